--- A proposal beside the text that it would replace, in a tab of its own: accepted, changed by hand, or rejected.
---
--- Whatever closes the tab rejects the proposal, and the server's question is always answered.

local moment = require('theo.moment')
local theo = require('theo')

local M = {}

---@class theo.Preview
---@field id string
---@field client integer
---@field waiting thread the handler of the server's question
---@field after theo.Text
---@field tab integer
---@field from { window: integer, buffer: integer }
---@field buffers integer[] what there is now, and the proposal
---@field ended? boolean

---@class theo.Text
---@field whole string
---@field lines string[]
---@field ending string what separates the lines
---@field last boolean whether the last line has it too

---@type table<string, theo.Preview>
local open = {}
---@type table<string, integer|false> the autocommands that wait for a moment that suits
local soon = {}

local group = vim.api.nvim_create_augroup('theo.preview', {})
local diff = vim.text and vim.text.diff or vim.diff

---@param text string
---@return theo.Text
local function split(text)
  local ending = '\n'
  if text:find('\r', 1, true) then
    local bare = text:gsub('\r\n', '')
    if not bare:find('\n', 1, true) then
      ending = text:find('\r\n', 1, true) and '\r\n' or '\r'
    end
  end
  local lines = vim.split(text, ending, { plain = true })
  local last = #lines > 1 and lines[#lines] == ''
  if last then
    table.remove(lines)
  end
  return { whole = text, lines = lines, ending = ending, last = last }
end

--- The text that a buffer of the preview holds now, with the line endings that it came with.
---@param buffer integer
---@param text theo.Text
---@return string
local function joined(buffer, text)
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, true)
  if vim.deep_equal(lines, text.lines) then
    return text.whole
  end
  local said = table.concat(lines, text.ending)
  return text.last and said .. text.ending or said
end

---@param preview theo.Preview
---@param answer table
local function finish(preview, answer)
  if preview.ended then
    return
  end
  preview.ended = true
  open[preview.id] = nil
  local current = vim.api.nvim_get_current_tabpage() == preview.tab
  if current and vim.api.nvim_win_is_valid(preview.from.window) then
    vim.api.nvim_set_current_win(preview.from.window)
  end
  for _, buffer in ipairs(preview.buffers) do
    for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
      local only = #vim.api.nvim_list_tabpages() == 1 and #vim.api.nvim_tabpage_list_wins(0) == 1
      if only then -- the user has closed all the others
        vim.wo[window].diff = false
        vim.api.nvim_win_set_buf(window, preview.from.buffer)
      else
        pcall(vim.api.nvim_win_close, window, true)
      end
    end
    if vim.api.nvim_buf_is_valid(buffer) then
      pcall(vim.api.nvim_buf_delete, buffer, { force = true })
    end
  end
  vim.schedule(function() -- not inside an autocommand, and never before the wait began
    coroutine.resume(preview.waiting, answer)
  end)
end

--- Ends a preview as the user says.
---@param preview theo.Preview
---@param accepted boolean
local function decide(preview, accepted)
  if accepted then
    finish(preview, { accepted = true, text = joined(preview.buffers[2], preview.after) })
  else
    finish(preview, { accepted = false })
  end
end

---@param name string
---@param text theo.Text
---@param filetype string
---@param changeable boolean
---@return integer buffer
local function scratch(name, text, filetype, changeable)
  local buffer = vim.api.nvim_create_buf(false, true)
  while not pcall(vim.api.nvim_buf_set_name, buffer, name) do
    name = name .. "'" -- there is another proposal for this file
  end
  vim.bo[buffer].undolevels = -1 -- so that undo in the proposal ends at the proposal
  vim.api.nvim_buf_set_lines(buffer, 0, -1, true, text.lines)
  vim.bo[buffer].undolevels = vim.o.undolevels
  vim.bo[buffer].bufhidden = 'wipe'
  vim.bo[buffer].buftype = changeable and 'acwrite' or 'nofile'
  vim.bo[buffer].modifiable = changeable
  vim.bo[buffer].modified = false
  pcall(function() -- a file type's own scripts may fail
    vim.bo[buffer].filetype = filetype
  end)
  return buffer
end

---@param window integer
---@param buffer integer
---@param bar string
local function dress(window, buffer, bar)
  vim.wo[window].winfixbuf = false
  vim.api.nvim_win_set_buf(window, buffer)
  vim.wo[window][0].winbar = (' ' .. bar):gsub('%%', '%%%%') .. '%<'
  vim.wo[window][0].signcolumn = 'no'
  vim.wo[window][0].foldcolumn = '0'
end

---@param preview theo.Preview
local function listen(preview)
  local keys = theo.options().keys
  for _, buffer in ipairs(preview.buffers) do
    vim.keymap.set('n', keys.accept, function()
      decide(preview, true)
    end, { buffer = buffer, nowait = true, desc = 'Theo: accept the proposal' })
    vim.keymap.set('n', keys.reject, function()
      decide(preview, false)
    end, { buffer = buffer, nowait = true, desc = 'Theo: reject the proposal' })
    vim.api.nvim_create_autocmd('BufWipeout', {
      group = group,
      buffer = buffer,
      callback = function()
        vim.schedule(function() -- the window is still closing
          decide(preview, false)
        end)
      end,
    })
  end
  local proposal = preview.buffers[2]
  vim.api.nvim_create_autocmd('BufWriteCmd', {
    group = group,
    buffer = proposal,
    callback = function()
      vim.bo[proposal].modified = false
      local text = joined(proposal, preview.after)
      vim.schedule(function() -- `:wq` closes it itself
        finish(preview, { accepted = true, text = text })
      end)
    end,
  })
  vim.api.nvim_create_autocmd({ 'TextChanged', 'InsertLeave' }, {
    group = group,
    buffer = proposal,
    callback = function()
      vim.bo[proposal].modified = false -- it is closed as easily as it came
    end,
  })
end

---@param params table what the server sends with `theo/preview`
---@param client integer
---@param waiting thread
local function show(params, client, waiting)
  local source = vim.uri_to_bufnr(params.uri)
  local filetype = vim.bo[source].filetype ~= '' and vim.bo[source].filetype or params.languageId
  local name = vim.fs.basename(vim.uri_to_fname(params.uri))
  local before, after = split(params.before), split(params.after)
  local from = { window = vim.api.nvim_get_current_win(), buffer = vim.api.nvim_get_current_buf() }
  local was = vim.fn.win_findbuf(source)[1]
  local row = was and vim.api.nvim_win_get_cursor(was)[1] or 1
  vim.cmd('keepalt keepjumps tab split')
  local left = vim.api.nvim_get_current_win()
  local now = scratch(name .. ' (now)', before, filetype, false)
  local proposal = scratch(name .. ' (proposed)', after, filetype, true)
  local keys = theo.options().keys
  dress(left, now, (params.reason or '') ~= '' and params.reason or 'as it is')
  local right = vim.api.nvim_open_win(proposal, true, { split = vim.o.columns < 80 and 'below' or 'right', win = left })
  dress(right, proposal, ('proposed · %s accept · %s reject · do reverts'):format(keys.accept, keys.reject))
  ---@type theo.Preview
  local preview = {
    id = params.id,
    client = client,
    waiting = waiting,
    after = after,
    tab = vim.api.nvim_get_current_tabpage(),
    from = from,
    buffers = { now, proposal },
  }
  open[params.id] = preview
  listen(preview)
  for _, window in ipairs({ left, right }) do
    vim.api.nvim_win_call(window, vim.cmd.diffthis)
  end
  local hunk = diff(params.before, params.after, { result_type = 'indices' })[1] --[[@as integer[]?]]
  local line = hunk and hunk[3] + (hunk[4] == 0 and 1 or 0) or row
  local there = hunk and hunk[1] or row
  vim.api.nvim_win_set_cursor(left, { math.min(math.max(there, 1), #before.lines), 0 })
  vim.api.nvim_win_set_cursor(right, { math.min(math.max(line, 1), #after.lines), 0 })
  vim.cmd.syncbind()
end

--- Shows a proposal and waits; what is returned answers the server.
---@param params table
---@param client integer
---@return table
function M.ask(params, client)
  local waiting = coroutine.running()
  if moment.suits() then
    show(params, client, waiting)
    return coroutine.yield()
  end
  theo.tell('a proposal is ready; it opens when you are back in Normal mode.')
  open[params.id] = { id = params.id, client = client, waiting = waiting, tab = -1, from = {}, buffers = {} }
  soon[params.id] = moment.wait(function()
    soon[params.id] = nil
    show(params, client, waiting)
  end)
  return coroutine.yield()
end

---@param id string
---@return theo.Preview?
local function taken_back(id)
  if soon[id] then
    vim.api.nvim_del_autocmd(soon[id])
    soon[id] = nil
  end
  return open[id]
end

--- Closes a proposal whose run was cancelled, or whose document was closed.
---@param id string
function M.withdraw(id)
  local preview = taken_back(id)
  if preview then
    finish(preview, { accepted = false })
    theo.tell('the proposal was withdrawn: its run was cancelled, or its document closed.')
  end
end

--- Closes the proposals of a server that has ended.
---@param client integer
function M.lose(client)
  for id, preview in pairs(open) do
    if preview.client == client and taken_back(id) then
      finish(preview, { accepted = false })
    end
  end
end

--- Accepts or rejects the proposal of this tab, or the only one there is.
---@param accepted boolean
function M.decide(accepted)
  local shown = vim.tbl_filter(function(preview)
    return #preview.buffers > 0
  end, vim.tbl_values(open))
  local here = vim.tbl_filter(function(preview)
    return preview.tab == vim.api.nvim_get_current_tabpage()
  end, shown)
  local preview = here[1] or (#shown == 1 and shown[1])
  if preview then
    return decide(preview, accepted)
  end
  theo.tell(#shown == 0 and 'no proposal is open.' or 'several proposals are open; go to the tab of one.')
end

return M
