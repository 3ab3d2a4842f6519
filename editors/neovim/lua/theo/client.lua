--- The running server of a buffer; it is started where it can be, and where it cannot, a sentence says why.

local theo = require('theo')

local M = {}

local start_ms = 10000
---@type table<fun(), true> what is called when a server ends before it was attached
local failing = {}

--- The client of a buffer, if it is attached.
---@param buffer integer
---@return vim.lsp.Client?
function M.of(buffer)
  return vim.lsp.get_clients({ name = 'theo', bufnr = buffer })[1]
end

--- Calls `go` with the client of a buffer, which may have to be started first; else tells what to do.
---@param buffer integer
---@param go fun(client: vim.lsp.Client)
function M.with(buffer, go)
  local client = M.of(buffer)
  if client then
    return go(client)
  end
  local lacking = M.lacking(buffer)
  if lacking then
    return theo.tell(lacking, vim.log.levels.ERROR)
  end
  local attached ---@type integer
  local function fail()
    if failing[fail] then
      failing[fail] = nil
      pcall(vim.api.nvim_del_autocmd, attached)
      theo.tell('the server does not start; `:checkhealth theo` and `:Theo log` say more.', vim.log.levels.ERROR)
    end
  end
  attached = vim.api.nvim_create_autocmd('LspAttach', {
    buffer = buffer,
    callback = function(event)
      local new = vim.lsp.get_client_by_id(event.data.client_id)
      if not new or new.name ~= 'theo' then
        return false
      end
      if failing[fail] then
        failing[fail] = nil
        vim.schedule(function()
          go(new)
        end)
      end
      return true
    end,
  })
  failing[fail] = true
  vim.defer_fn(fail, start_ms)
  vim.lsp.enable('theo') -- attaches it to the buffers that it was lost from, or that have no filetype
end

--- Tells those who wait for a server that it has ended.
function M.ended()
  for fail in pairs(failing) do
    vim.schedule(fail)
  end
end

--- Why the server cannot be started for a buffer, and what to do about it.
---@param buffer integer
---@return string?
function M.lacking(buffer)
  if vim.bo[buffer].buftype ~= '' then
    return 'this buffer is not a file; go to one and try again.'
  end
  if not M.enabled() then
    return "the server is not enabled; put vim.lsp.enable('theo') into your init.lua."
  end
  local program = M.program()
  if program and vim.fn.executable(program) == 0 then
    return ('%s was not found; install theo-mcp so that it is on the PATH, or name it with '):format(program)
      .. "vim.lsp.config('theo', { cmd = { '/path/to/theo-lsp' } })."
  end
end

---@return boolean
function M.enabled()
  return not vim.lsp.is_enabled or vim.lsp.is_enabled('theo')
end

--- What the configuration starts; nil where that is a function.
---@return string? program
---@return string[]? command
function M.program()
  local config = vim.lsp.config.theo
  local command = config and config.cmd
  if type(command) == 'table' then
    return command[1], command
  end
end

---@class theo.Action
---@field name string
---@field title string
---@field instruction 'none'|'optional'|'required'

--- The actions that a server knows.
---@param client? vim.lsp.Client
---@return theo.Action[]
function M.actions(client)
  return client and vim.tbl_get(client.server_capabilities, 'experimental', 'theo', 'actions') or {}
end

return M
