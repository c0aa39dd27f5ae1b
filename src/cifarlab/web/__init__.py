"""The app in the browser and the HTTP API, for `cifarlab serve`; needs the extra `[web]`.

`application` puts the parts together; every file in `routes/` with a `router` is found by its name. Pages are made on
the server from `templates/`; the report's own templates, filters and sections are reused, not copied.
"""
