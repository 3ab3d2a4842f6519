--- Starts actions: those of the menu at the cursor, and those asked for by name.

local clients = require('theo.client')
local theo = require('theo')

local M = {}

---@class theo.Place
---@field buffer integer
---@field first integer the first line, from 0
---@field last integer the last line
---@field from? integer the first byte, where it is not the beginning of the line
---@field to? integer the byte after the last, where it is not the end of the line
---@field cursor boolean whether nothing is selected

--- The place that a command was given: its range, what is selected, or the cursor.
---@param given? vim.api.keyset.create_user_command.command_args
---@return theo.Place
function M.place(given)
  local buffer = vim.api.nvim_get_current_buf()
  if not given or given.range == 0 then
    local row, column = unpack(vim.api.nvim_win_get_cursor(0))
    return { buffer = buffer, first = row - 1, last = row - 1, from = column, to = column, cursor = true }
  end
  ---@type theo.Place
  local place = { buffer = buffer, first = given.line1 - 1, last = given.line2 - 1, cursor = false }
  local from, to = vim.fn.getpos("'<"), vim.fn.getpos("'>")
  if vim.fn.visualmode() == 'v' and from[2] == given.line1 and to[2] == given.line2 then
    local line = vim.api.nvim_buf_get_lines(buffer, place.last, place.last + 1, true)[1]
    place.from = from[3] - 1
    if to[3] <= #line then
      local byte = to[3] - 1
      local inclusive = vim.o.selection ~= 'exclusive'
      place.to = inclusive and byte + vim.str_utf_end(line, to[3]) + 1 or byte
    end
  end
  return place
end

---@param client vim.lsp.Client
---@param buffer integer
---@param row integer
---@param byte? integer the end of the line without it
---@return lsp.Position
local function position(client, buffer, row, byte)
  local line = vim.api.nvim_buf_get_lines(buffer, row, row + 1, false)[1] or ''
  local column = math.min(byte or #line, #line)
  return { line = row, character = vim.str_utfindex(line, client.offset_encoding, column) }
end

---@param client vim.lsp.Client
---@param place theo.Place
---@return lsp.Range
local function range(client, place)
  return {
    start = position(client, place.buffer, place.first, place.from or 0),
    ['end'] = position(client, place.buffer, place.last, place.to),
  }
end

--- The diagnostics of the lines of a place, or of its whole buffer.
---@param client vim.lsp.Client
---@param place theo.Place
---@param everywhere boolean
---@return lsp.Diagnostic[]
local function diagnostics(client, place, everywhere)
  local found = {}
  for _, each in ipairs(vim.diagnostic.get(place.buffer)) do
    if everywhere or (each.lnum <= place.last and (each.end_lnum or each.lnum) >= place.first) then
      table.insert(found, {
        range = {
          start = position(client, place.buffer, each.lnum, each.col),
          ['end'] = position(client, place.buffer, each.end_lnum or each.lnum, each.end_col or each.col),
        },
        severity = each.severity,
        message = each.message,
        source = each.source,
        code = each.code,
      })
    end
  end
  return found
end

--- Lets the ordinary menu know the diagnostics of its lines: Neovim tells a server its own alone, and this has none.
---@param client vim.lsp.Client
function M.add_diagnostics(client)
  local request = client.request
  ---@diagnostic disable-next-line: duplicate-set-field
  function client.request(self, method, params, ...)
    if method == 'textDocument/codeAction' and #params.context.diagnostics == 0 then
      local buffer = vim.uri_to_bufnr(params.textDocument.uri)
      local first, last = params.range.start.line, params.range['end'].line
      local found = diagnostics(client, { buffer = buffer, first = first, last = last, cursor = false }, false)
      local context = vim.tbl_extend('force', params.context, { diagnostics = found })
      params = vim.tbl_extend('force', params, { context = context })
    end
    return request(self, method, params, ...)
  end
end

---@param client vim.lsp.Client
---@param place theo.Place
---@param command string
---@param argument table
local function execute(client, place, command, argument)
  local params = { command = command, arguments = { argument } }
  client:request('workspace/executeCommand', params, function(problem, answer)
    if problem then
      theo.tell(problem.message, vim.log.levels.ERROR)
    elseif answer and answer.jobId and not argument.dry then
      require('theo.progress').place(client.id, answer.jobId, place.buffer, place.first)
    end
  end, place.buffer)
end

---@class theo.Wish
---@field name string
---@field instruction? string
---@field dry? boolean whether only the prompt is shown

--- Starts an action by its name.
---@param client vim.lsp.Client
---@param place theo.Place
---@param wish theo.Wish
local function start(client, place, wish)
  execute(client, place, 'theo.do', {
    action = wish.name,
    uri = vim.uri_from_bufnr(place.buffer),
    version = vim.lsp.util.buf_versions[place.buffer],
    range = range(client, place),
    instruction = wish.instruction or '',
    diagnostics = diagnostics(client, place, wish.name:find('all', 1, true) ~= nil),
    dry = wish.dry,
  })
end

--- Starts an action by its name; asks for an instruction where it needs one.
---@param client vim.lsp.Client
---@param place theo.Place
---@param action theo.Action
---@param wish theo.Wish
function M.start(client, place, action, wish)
  if action.instruction ~= 'required' or (wish.instruction or '') ~= '' then
    return start(client, place, wish)
  end
  vim.ui.input({ prompt = action.title .. ': ' }, function(words)
    if words and vim.trim(words) ~= '' then
      start(client, place, { name = wish.name, instruction = words, dry = wish.dry })
    end
  end)
end

--- Starts what was chosen in the ordinary menu of code actions.
---@param command lsp.Command
---@param context lsp.HandlerContext
function M.chosen(command, context)
  local client = vim.lsp.get_client_by_id(context.client_id)
  local argument = command.arguments and command.arguments[1]
  if client and type(argument) == 'table' then
    local row = vim.tbl_get(argument, 'range', 'start', 'line') or 0
    execute(client, { buffer = context.bufnr, first = row, last = row, cursor = false }, command.command, argument)
  end
end

--- Lets the user choose among what is offered at a place.
---@param client vim.lsp.Client
---@param place theo.Place
function M.menu(client, place)
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(place.buffer) },
    range = range(client, place),
    context = { diagnostics = diagnostics(client, place, false), triggerKind = 1 },
  }
  client:request('textDocument/codeAction', params, function(problem, answer)
    if problem then
      return theo.tell(problem.message, vim.log.levels.ERROR)
    end
    ---@type { title: string, go: fun() }[]
    local entries = {}
    local offered = {}
    for _, each in ipairs(answer or {}) do
      local argument = vim.tbl_get(each, 'command', 'arguments', 1) or {}
      offered[argument.action or ''] = not argument.dry or nil
      table.insert(entries, {
        title = (each.title:gsub('^Theo: ', '')),
        go = function()
          client:exec_cmd(each.command, { bufnr = place.buffer })
        end,
      })
    end
    for _, action in ipairs(clients.actions(client)) do
      if action.instruction == 'required' and not offered[action.name] then
        table.insert(entries, {
          title = action.title .. '…',
          go = function()
            M.start(client, place, action, { name = action.name })
          end,
        })
      end
    end
    if #entries == 0 then
      local said = 'nothing is offered here; go to a comment, a definition or a diagnostic, or select some lines.'
      return theo.tell(said)
    end
    vim.ui.select(entries, {
      kind = 'theo',
      prompt = 'Theo:',
      format_item = function(entry)
        return entry.title
      end,
    }, function(entry)
      if entry then
        entry.go()
      end
    end)
  end, place.buffer)
end

return M
