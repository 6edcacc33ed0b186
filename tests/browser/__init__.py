"""The pages as people meet them: real nodes, looked at with a real browser."""
