-- Theo and GetCode for Neovim 0.11 and later: put this folder on the 'runtimepath', then vim.lsp.enable('theo').
--
-- Keys, addresses and budgets are not set here, because editors write what they send into traces: put them into the
-- environment, or into theo-mcp's own settings file. What may be set is what `settings.theo` shows to the server, such
-- as vim.lsp.config('theo', { settings = { theo = { engine_model = 'name' } } }).

---@type vim.lsp.Config
return {
  cmd = { 'theo-lsp' },
  root_markers = { '.git', 'AGENTS.md', 'pyproject.toml', 'package.json', 'go.mod', 'Cargo.toml' },
  -- Neovim does not check the version of an edit while that is 0, so the server must know of the first change at once.
  flags = { debounce_text_changes = 0 },
  settings = { theo = vim.empty_dict() },
  capabilities = { experimental = { theo = { preview = true } } },
  handlers = require('theo.handlers'),
  on_init = function(client)
    require('theo.actions').add_diagnostics(client)
  end,
  on_exit = function()
    require('theo.client').ended()
  end,
  commands = {
    ['theo.run'] = function(command, context)
      require('theo.actions').chosen(command, context)
    end,
  },
}
