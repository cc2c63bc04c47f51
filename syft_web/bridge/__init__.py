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

    open         url, verbose                             -> syft
    job          syft, modelName, modelVersion?, authToken?  -> job
    request      job  -> outcome "accepted": model, plans (name, inputs, outputs, signature),
                         protocols, clientConfig
                         or outcome "rejected": timeout, finished, text
    report       job, diff (bytes)                        -> bytes
    data         columns: [{data, dtype, shape, divide?, oneHot?}]  -> dataset, length
    trainer      job, plan, data, and optional inputs, outputs, target, epochs, batchSize,
                 stepsPerEpoch                            -> trainer, updates
    train        trainer, resume                          -> status "end" or "stop", model, updates
    stop         trainer                                  -> epoch, batch
    diff         model, and params (tensors) or updated (model)  -> diff (bytes)
    tensor       data, dtype, shape                       -> id, shape, dtype
    tensor-data  tensor                                   -> data, shape, dtype
    execute      job, plan, args (numbers or {tensor})    -> tensors
    cancel       target (id of a command)                 -> cancelled
    release      handles                                  -> released
    close        syft                                     -> closed

``request`` and ``report`` send ``progress`` (stage, asset, received, total, text);
``train`` sends syft.js's training events, ``batchEnd`` with updates (done so far),
total (None when unknown) and msPerStep besides.
"""

from syft_web.bridge.commands import Bridge

__all__ = ["Bridge"]
