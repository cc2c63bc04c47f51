"""What a page's worker calls: commands in, events out.

The page has no Python objects, only numbers that stand for them (handles), and
messages. `web/syft-worker.js` converts between JavaScript values and the dicts
used here; this module knows neither JavaScript nor a browser, so all of it runs
and is tested on CPython.

A command is ``{"id": int, "command": str, ...}``. Each is answered by exactly one of ::

    {"id", "event": "result", "value": {...}}
    {"id", "event": "failure", "code", "message", "where"}

and, before that, by any number of events of its own. Commands run side by side;
``cancel`` ends one, which then fails with the code ``cancelled``.

Commands, their arguments, and the value of their result::

    open         url, verbose, keep? (default: yes)       -> syft
    job          syft, modelName, modelVersion?, authToken?  -> job
    request      job  -> outcome "accepted": model, plans (name, inputs, outputs, signature),
                         protocols, clientConfig
                         or outcome "rejected": timeout, finished, reason, text
    join         job  -> the same; asks until accepted or finished
    resume       job, saved                               -> the same
    leave        job (lets other tabs train)              -> left
    discard      job (removes what is kept of its cycle)  -> discarded
    resumable    syft  -> cycles: id (saved), model_name, model_version, saved_at, epoch, batch
    forget       syft, saved                              -> forgotten
    deliver      syft  -> deliveries: model_name, outcome, text, reason
    report       job, diff (bytes), numSamples?, metrics? -> bytes
    data         columns: [{data, dtype, shape, divide?, oneHot?}]  -> dataset, length
    trainer      job, plan, data, and optional inputs, outputs, target, epochs, batchSize,
                 stepsPerEpoch, checkpoint, noiseSeed     -> trainer, updates
    train        trainer, resume                          -> status "end" or "stop", model, updates
    give         take, and batch or error                 -> taken
    stop         trainer, checkpoint? (whether to keep it)  -> epoch, batch, or as the next
    checkpoint   trainer                                  -> checkpoint, model, position
    checkpoint-load  json, model? (in place of its own)   -> checkpoint, model, position
    checkpoint-json  checkpoint                           -> json, as syft.js has it
    checkpoint-apply  trainer, checkpoint                 -> epoch, batch
    model-bytes  model                                    -> data (a serialized State)
    pause        trainer, why                             -> paused
    unpause      trainer                                  -> paused
    diff         model, and params (tensors) or updated (model)  -> diff (bytes)
    tensor       data, dtype, shape, handle?              -> id, shape, dtype
    tensor-data  tensor                                   -> data, shape, dtype
    execute      job, plan, args (numbers or {tensor})    -> tensors
    cancel       target (id of a command)                 -> cancelled
    release      handles                                  -> released
    state        data (bytes of a State, e.g. a checkpoint)  -> tensors
    engine       job?, plan?, batchSize?                  -> kernels, reason, flops
    stats        -> objects kept, kinds (how many of each), heapBytes
    close        syft, keep? (what was made through it)   -> closed

``request``, ``join``, ``resume`` and ``report`` send ``progress`` (stage, asset, received, total,
text); ``join`` also ``rejected`` (timeout, finished, reason, text) and ``countdown`` (seconds, why,
text), ``deliver`` sends ``waiting`` (model_name, seconds);
``train`` sends syft.js's training events, ``batchEnd`` with updates (done so far),
total (None when unknown) and msPerStep besides. Where the data are ``{"page": length}``, it
also sends ``take`` (take, indices): the page makes that batch and sends it with ``give``.

A ``handle`` is a number below 0 that the page chose itself, so that it can go on at once:
commands begin in the order in which they came.
"""

from syft_web.bridge.commands import Bridge

__all__ = ["Bridge"]
