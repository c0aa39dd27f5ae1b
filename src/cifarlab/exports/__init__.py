"""From a run to a file that answers without cifarlab, and the proof that it answers the same.

What a format is, and where one is added: `cifarlab.exports.formats`. All else here is written once, over every format:
the network that is exported (`network`), what travels with it (`about`), the proof (`proof`), the processes in which
converters and runtimes work (`apart`, `steps`), and the two doors, `exporting` and `verifying`.
"""
