"""The language server: Theo and GetCode as code actions in any editor. Not written yet."""
