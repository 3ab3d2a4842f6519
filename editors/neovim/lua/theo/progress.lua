--- The runs at work: where each stands, what it says, and that none is shown longer than it lives.

local theo = require('theo')

local M = {}

local space = vim.api.nvim_create_namespace('theo.progress')
local group = vim.api.nvim_create_augroup('theo.progress', {})

---@class theo.Run
---@field client integer
---@field token string
---@field title string
---@field message string
---@field buffer? integer
---@field mark? integer

---@type table<string, theo.Run>
local runs = {}
---@type table<string, { buffer: integer, row: integer }>
local places = {}
local last_told = ''

vim.api.nvim_set_hl(0, 'TheoProgress', { default = true, link = 'Comment' })

---@param client integer
---@param token string|integer
---@return string
local function key(client, token)
  return client .. ' ' .. token
end

---@param run theo.Run
local function erase(run)
  if run.mark and vim.api.nvim_buf_is_valid(run.buffer) then
    vim.api.nvim_buf_del_extmark(run.buffer, space, run.mark)
  end
  run.mark = nil
end

---@param run theo.Run
---@param row? integer
local function draw(run, row)
  if not (run.buffer and vim.api.nvim_buf_is_loaded(run.buffer) and theo.options().progress) then
    return
  end
  if run.mark then
    row = vim.api.nvim_buf_get_extmark_by_id(run.buffer, space, run.mark, {})[1]
  end
  if row and row < vim.api.nvim_buf_line_count(run.buffer) then
    run.mark = vim.api.nvim_buf_set_extmark(run.buffer, space, row, 0, {
      id = run.mark,
      virt_text = { { '⏳ ' .. run.message, 'TheoProgress' } },
      virt_text_pos = 'eol',
      hl_mode = 'combine',
    })
  end
end

---@param run theo.Run
---@param message string
local function tell_end(run, message)
  if not theo.options().messages or message == '' or last_told:find(message, 1, true) then
    return -- a failure was told in whole
  end
  local text = ('%s: %s'):format(run.title, message)
  local room = vim.v.echospace
  if vim.fn.strdisplaywidth(text) > room then
    text = vim.fn.strcharpart(text, 0, math.max(room - 1, 0)) .. '…'
  end
  vim.api.nvim_echo({ { text } }, true, {})
end

--- Remembers where a run stands, which the server has just named.
---@param client integer
---@param token string
---@param buffer integer
---@param row integer
function M.place(client, token, buffer, row)
  places[key(client, token)] = { buffer = buffer, row = row }
end

--- Takes one message of progress.
---@param params lsp.ProgressParams
---@param client integer
function M.take(params, client)
  local id, value = key(client, params.token), params.value
  if type(value) ~= 'table' then
    return
  end
  if value.kind == 'begin' then
    local place = places[id] or {}
    places[id] = nil
    last_told = ''
    runs[id] = {
      client = client,
      token = params.token,
      title = value.title,
      message = value.message or 'starting',
      buffer = place.buffer,
    }
    draw(runs[id], place.row)
  elseif runs[id] and value.kind == 'report' then
    runs[id].message = value.message or runs[id].message
    draw(runs[id])
  elseif runs[id] then
    local run = runs[id]
    runs[id] = nil
    erase(run)
    tell_end(run, value.message or '')
  end
  vim.cmd.redrawstatus()
end

--- Remembers a message that the user has seen.
---@param message string
function M.told(message)
  last_told = message
end

--- The runs at work in a buffer; without one, all.
---@param buffer? integer
---@return theo.Run[]
function M.of(buffer)
  local found = vim.tbl_filter(function(run)
    return not buffer or run.buffer == buffer
  end, vim.tbl_values(runs))
  table.sort(found, function(one, other)
    return one.token < other.token
  end)
  return found
end

local line_cells = 40

--- A few words about the runs at work, for a status line.
---@return string
function M.line()
  local all = M.of()
  local run = M.of(vim.api.nvim_get_current_buf())[1] or all[1]
  if not run then
    return ''
  end
  local others = #all > 1 and (' (+%d)'):format(#all - 1) or ''
  local said = run.message
  if vim.fn.strdisplaywidth(said) > line_cells then
    said = vim.fn.strcharpart(said, 0, line_cells - 1) .. '…'
  end
  return 'Theo: ' .. said .. others
end

--- Forgets the runs of a server that has ended.
---@param client integer
local function lose(client)
  local titles = {}
  for id, run in pairs(runs) do
    if run.client == client then
      runs[id] = nil
      erase(run)
      table.insert(titles, '“' .. run.title:gsub('^Theo: ', '') .. '”')
    end
  end
  if #titles > 0 then
    local said = 'the server has ended, and %s with it; nothing was changed. `:Theo` starts it again.'
    theo.tell(said:format(table.concat(titles, ', ')), vim.log.levels.WARN)
    vim.cmd.redrawstatus()
  end
end

vim.api.nvim_create_autocmd('LspDetach', {
  group = group,
  desc = 'Theo: what a server that has ended was doing',
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'theo' and client:is_stopped() then
      lose(client.id)
      local preview = package.loaded['theo.preview']
      if preview then
        preview.lose(client.id)
      end
    end
  end,
})

return M
