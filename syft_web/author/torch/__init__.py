"""Plans from ordinary PyTorch.

::

    from syft_web.author.torch import inference_plan, model_state, training_plan

    model = torch.nn.Sequential(...)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    plan = training_plan(model, torch.nn.CrossEntropyLoss(), optimizer, x, y)
    await host_training(url, "mnist", "1.0", model_state(model), {"training_plan": plan}, ...)

A plan is recorded by running forward pass, backward pass and optimizer once on tensors that
have shapes but no values (`capture`). What comes out is shortened (`cleanup`) and written
as actions whose commands the op table has (`commands`, `export`). Modules, losses and
optimizers are used as they are; nothing of them has to be rewritten.

What the plan's inputs and outputs are, it says itself, see `syft_web.plan.signature`: a
worker needs no specs. Parameters, and lasting buffers unless ``buffers="worker"``, are the
hosted model; optimizer state is the worker's own and starts anew with every cycle.

Fixed in a plan are all sizes but that of the batch: the length of sequences, the size of
images, the number of time steps (LSTM and GRU are unrolled). Random numbers (dropout) are
the worker's own; `syft_web.ops.chance.reseed` makes them repeatable.

What cannot be captured is refused at once, with the line that is to blame
(`syft_web.errors.CaptureError` and its kinds):

* whatever depends on values: an ``if`` on a tensor, ``.item()``, ``.numpy()``, ``ctc_loss``;
* other ways for other batch sizes (``dynamic_batch=False`` captures for one size);
* modules made by ``torch.compile`` or TorchScript, batch normalisation with
  ``momentum=None``, sparse gradients, bfloat16 and complex numbers;
* optimizers other than SGD, Adam, AdamW, Adamax, RMSprop, Adagrad and Adadelta;
* operations that neither the op table has nor torch can express by others.

Needs torch 2.4 or later (the extra ``torch``), and is never imported in a browser.
"""

from __future__ import annotations

from syft_web.author.torch.plans import inference_plan, model_state, training_plan

__all__ = ["inference_plan", "model_state", "training_plan"]
