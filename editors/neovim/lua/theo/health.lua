--- `:checkhealth theo`: what could keep it from working, each with what to do about it. It asks for nothing that costs.

local clients = require('theo.client')

local M = {}

local check_ms = 20000

---@param command string[]
---@param arguments string[]
---@return vim.SystemCompleted?
---@return string? problem
local function ask(command, arguments)
  local config = vim.lsp.config.theo
  local full = vim.list_extend(vim.list_slice(command), arguments)
  local ok, done = pcall(function()
    return vim.system(full, { env = config.cmd_env, timeout = check_ms, text = true }):wait()
  end)
  if not ok then
    return nil, tostring(done)
  end
  if done.code ~= 0 then
    return nil, vim.trim(done.stderr or ''):match('[^\n]*$')
  end
  return done
end

local function neovim()
  vim.health.start('Neovim')
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.11') == 1 then
    vim.health.ok('Neovim ' .. version)
  else
    vim.health.error('Neovim ' .. version .. ' is too old.', 'Install Neovim 0.11 or later.')
  end
  if vim.fn.has('nvim-0.11') == 1 and clients.enabled() then
    vim.health.ok('the server is enabled')
  else
    vim.health.error('The server is not enabled.', "Put vim.lsp.enable('theo') into your init.lua.")
  end
end

--- What the server says about itself.
---@return table?
local function server()
  vim.health.start('Server')
  local program, command = clients.program()
  if not (program and command) then
    vim.health.info('The server is started by a function of your configuration, and is not looked at.')
    return nil
  end
  local found = vim.fn.exepath(program)
  if found == '' then
    vim.health.error(('%s was not found.'):format(program), {
      'Install theo-mcp so that `theo-lsp` is on the PATH that Neovim sees.',
      "Or name it: vim.lsp.config('theo', { cmd = { '/path/to/theo-lsp' } })",
    })
    return nil
  end
  local done, problem = ask(command, { '--check' })
  local ok, said = pcall(vim.json.decode, done and done.stdout or '', { luanil = { object = true } })
  if not done or not ok then
    vim.health.error(('%s does not run: %s'):format(found, problem or 'what it says cannot be read'), {
      ('Run `%s --check` in a terminal to see why.'):format(table.concat(command, ' ')),
      'It may be another version than this plug-in: update both.',
    })
    return nil
  end
  vim.health.ok(('theo-lsp %s (%s)'):format(said.version, vim.fn.fnamemodify(found, ':~')))
  return said
end

---@param said table
local function answers(said)
  vim.health.start('Answers')
  if said.answers == 'nothing' then
    vim.health.error('Nothing answers: ' .. said.why)
  else
    local whose = said.answers == 'hosted' and 'the hosted service' or 'this machine'
    local ready = next(said.missing or {}) == nil
    local tell = ready and vim.health.ok or vim.health.info
    tell(('%s %s: %s'):format(whose, ready and 'answers' or 'would answer', said.why))
  end
  for _, each in ipairs(said.missing or {}) do
    vim.health.error(each.message, each.hint ~= '' and each.hint or nil)
  end
  if said.answers == 'hosted' then
    vim.health.info('The service was not asked: that may cost.')
  end
  if said.grammars then
    vim.health.ok('grammars are installed: a definition is what its language says it is')
  else
    vim.health.warn('There are no grammars; where a definition ends is found by indentation and braces.', {
      said.grammars_hint,
    })
  end
end

local function attached()
  vim.health.start('Buffers')
  local all = vim.tbl_filter(function(client)
    return next(client.attached_buffers) ~= nil
  end, vim.lsp.get_clients({ name = 'theo' }))
  if #all == 0 then
    vim.health.warn('The server is attached to no buffer.', {
      'Open a file: the server starts with the first one.',
      '`:Theo log` shows what it said if it has ended.',
    })
  end
  for _, client in ipairs(all) do
    local buffers = vim.tbl_count(client.attached_buffers)
    vim.health.ok(('attached to %d buffer%s'):format(buffers, buffers == 1 and '' or 's'))
    if client.root_dir then
      vim.health.ok('the project is ' .. vim.fn.fnamemodify(client.root_dir, ':~'))
    else
      vim.health.warn('There is no project: rules files and ignore files of a folder are not read.', {
        'Open a file below a folder with .git or AGENTS.md, or set root_markers.',
      })
    end
  end
end

function M.check()
  neovim()
  if vim.fn.has('nvim-0.11') == 0 then
    return
  end
  local said = server()
  if said then
    answers(said)
  end
  attached()
end

return M
