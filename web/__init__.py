"""What a browser loads, and the Python that assembles, serves and drives it.

The ``.html``, ``.js`` and ``.css`` files here are copied to the site as they are.
The Python modules run on the machine of whoever builds the site; none of them is
part of the ``syft_web`` wheel.
"""
