--- The command `:Theo`: our own words, and every action that the server knows.

local clients = require('theo.client')
local theo = require('theo')

local M = {}

---@type table<string, fun(given: vim.api.keyset.create_user_command.command_args, rest: string)>
local words = {}

--- Splits off the first word.
---@param text string
---@return string word
---@return string rest
local function first(text)
  local word, rest = text:match('^%s*(%S*)%s*(.-)%s*$')
  return word, rest
end

--- How many keys lie between two words.
---@param one string
---@param other string
---@return integer
local function distance(one, other)
  local row = {}
  for j = 0, #other do
    row[j] = j
  end
  for i = 1, #one do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #other do
      local above = row[j]
      local change = one:byte(i) == other:byte(j) and 0 or 1
      row[j] = math.min(above + 1, row[j - 1] + 1, diagonal + change)
      diagonal = above
    end
  end
  return row[#other]
end

---@param client? vim.lsp.Client
---@return string[]
local function action_names(client)
  return vim.tbl_map(function(action)
    return action.name
  end, clients.actions(client))
end

---@param client? vim.lsp.Client
---@return string[]
local function all_names(client)
  return vim.list_extend(action_names(client), vim.tbl_keys(words))
end

---@param client vim.lsp.Client
---@param name string
---@return string
local function unknown(client, name)
  local near = {}
  for _, known in ipairs(all_names(client)) do
    if vim.startswith(known, name) or distance(name, known) <= math.max(1, math.floor(#known / 3)) then
      table.insert(near, '“' .. known .. '”')
    end
  end
  table.sort(near)
  local said = ('there is no action “%s”'):format(name:sub(1, 40))
  if #near > 0 then
    return said .. '; did you mean ' .. table.concat(near, ' or ') .. '?'
  end
  local known = action_names(client)
  table.sort(known)
  return said .. '; there are: ' .. table.concat(known, ', ') .. '.'
end

--- Starts an action by its name, or says what is wrong with the name.
---@param given vim.api.keyset.create_user_command.command_args
---@param wish theo.Wish
local function start(given, wish)
  local actions = require('theo.actions')
  local place = actions.place(given)
  clients.with(place.buffer, function(client)
    for _, action in ipairs(clients.actions(client)) do
      if action.name == wish.name then
        return actions.start(client, place, action, wish)
      end
    end
    theo.tell(unknown(client, wish.name), vim.log.levels.ERROR)
  end)
end

--- Runs the command.
---@param given vim.api.keyset.create_user_command.command_args
function M.run(given)
  local word, rest = first(given.args)
  if word == '' then
    local actions = require('theo.actions')
    local place = actions.place(given)
    return clients.with(place.buffer, function(client)
      actions.menu(client, place)
    end)
  end
  if words[word] then
    return words[word](given, rest)
  end
  start(given, { name = word, instruction = rest })
end

--- Completes the command's line.
---@param lead string
---@param line string
---@param column integer
---@return string[]
function M.complete(lead, line, column)
  local before = line:sub(1, column):match('Theo!?%s+(.*)$') or ''
  local done = vim.split(before:sub(1, #before - #lead), '%s+', { trimempty = true })
  local client = clients.of(0) or vim.lsp.get_clients({ name = 'theo' })[1]
  local names = {}
  if #done == 0 then
    names = all_names(client)
  elseif #done == 1 and done[1] == 'prompt' then
    names = action_names(client)
  elseif #done == 1 and done[1] == 'cancel' then
    names = { 'all' }
  end
  table.sort(names)
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, names)
end

function words.prompt(given, rest)
  local name, instruction = first(rest)
  if name == '' then
    return theo.tell('name the action whose prompt you want to see, such as `:Theo prompt explain`.')
  end
  start(given, { name = name, instruction = instruction, dry = true })
end

function words.cancel(_, rest)
  local progress = require('theo.progress')
  local everywhere = rest == 'all'
  local runs = progress.of(not everywhere and vim.api.nvim_get_current_buf() or nil)
  if #runs == 0 then
    local others = not everywhere and #progress.of() or 0
    local more = others > 0 and '; `:Theo cancel all` stops those of other buffers.' or '.'
    return theo.tell('no run is at work here' .. more)
  end
  for _, run in ipairs(runs) do
    local client = vim.lsp.get_client_by_id(run.client)
    if client then
      client:notify('window/workDoneProgress/cancel', { token = run.token })
    end
  end
end

function words.status()
  local client = clients.of(0)
  local lines = {}
  if client then
    local info = client.server_info or {}
    table.insert(lines, ('the server %s is attached.'):format(info.version or ''))
  else
    table.insert(lines, clients.lacking(0) or 'the server is not attached yet; the next action starts it.')
  end
  for _, run in ipairs(require('theo.progress').of()) do
    local name = run.buffer and vim.fn.fnamemodify(vim.api.nvim_buf_get_name(run.buffer), ':t') or ''
    table.insert(lines, ('%s: %s%s'):format(run.title, run.message, name ~= '' and ' (' .. name .. ')' or ''))
  end
  theo.tell(table.concat(lines, '\n'))
end

function words.log()
  vim.cmd.tabedit({ vim.fn.fnameescape(vim.lsp.log.get_filename()), mods = { keepalt = true } })
  vim.cmd.normal({ 'G', bang = true })
end

function words.accept()
  require('theo.preview').decide(true)
end

function words.reject()
  require('theo.preview').decide(false)
end

return M
