--- Shows what the server opens: its own documents to read in one split, which a key closes, and files in a window.

local moment = require('theo.moment')
local theo = require('theo')

local M = {}

--- A window of this tab that can be split.
---@return integer
local function solid()
  local current = vim.api.nvim_get_current_win()
  for _, window in ipairs({ current, unpack(vim.api.nvim_tabpage_list_wins(0)) }) do
    if vim.api.nvim_win_get_config(window).relative == '' then
      return window
    end
  end
  return current
end

---@param buffer integer
---@param enter boolean
---@return integer window
local function beside(buffer, enter)
  local wide = vim.o.columns >= 160
  local window = solid()
  local half = math.floor(vim.api.nvim_win_get_height(window) * (wide and 1 or 0.6))
  return vim.api.nvim_open_win(buffer, enter, {
    split = wide and 'right' or 'below',
    win = window,
    height = not wide and math.max(math.min(vim.api.nvim_buf_line_count(buffer) + 2, half), 5) or nil,
  })
end

---@param path string
---@return string[]?
local function read(path)
  local file = io.open(path, 'rb')
  if not file then
    return nil
  end
  local text = file:read('*a'):gsub('\r\n', '\n'):gsub('\n$', '')
  file:close()
  return vim.split(text, '\n', { plain = true })
end

--- A document of the server's own folder, which is gone when the server is: its text is kept in a buffer.
---@param path string
---@param enter boolean
---@return boolean
local function reading(path, enter)
  local lines = read(path)
  if not lines then
    return false
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  pcall(vim.api.nvim_buf_set_name, buffer, 'theo://' .. vim.fs.basename(path))
  vim.api.nvim_buf_set_lines(buffer, 0, -1, true, lines)
  vim.bo[buffer].bufhidden = 'wipe'
  vim.bo[buffer].modified = false
  pcall(function() -- a file type's own scripts may fail, as without its parser
    vim.bo[buffer].filetype = vim.filetype.match({ filename = path, buf = buffer }) or ''
  end)
  vim.b[buffer].theo_document = true
  local key = theo.options().keys.close
  vim.keymap.set('n', key, '<Cmd>close<CR>', { buffer = buffer, nowait = true, desc = 'Theo: close this' })
  local window ---@type integer?
  for _, each in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    window = vim.b[vim.api.nvim_win_get_buf(each)].theo_document and each or window
  end
  if window then
    vim.api.nvim_win_set_buf(window, buffer)
    if enter then
      vim.api.nvim_set_current_win(window)
    end
  else
    window = beside(buffer, enter)
  end
  vim.wo[window][0].winbar = (' %s · %s closes'):format(vim.fs.basename(path):gsub('^%d+%-', ''):gsub('%%', '%%%%'), key)
  if vim.bo[buffer].filetype == 'markdown' then
    pcall(vim.treesitter.start, buffer, 'markdown')
    vim.bo[buffer].modifiable = false
    vim.wo[window][0].wrap = true
    vim.wo[window][0].linebreak = true
    vim.wo[window][0].breakindent = true
    vim.wo[window][0].number = false
    vim.wo[window][0].relativenumber = false
    vim.wo[window][0].signcolumn = 'no'
    vim.wo[window][0].foldenable = false
  end
  return true
end

--- A file of the user's, which may have been made just now.
---@param uri string
---@param enter boolean
---@return boolean
local function file(uri, enter)
  local buffer = vim.uri_to_bufnr(uri)
  vim.fn.bufload(buffer)
  vim.bo[buffer].buflisted = true
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if vim.api.nvim_win_get_buf(window) == buffer then
      if enter then
        vim.api.nvim_set_current_win(window)
      end
      return true
    end
  end
  beside(buffer, enter)
  return true
end

--- Opens a document; who is typing keeps the cursor.
---@param uri string
---@param focus boolean
---@return boolean
function M.show(uri, focus)
  local enter = focus and moment.suits()
  local path = vim.uri_to_fname(uri)
  local folder = vim.fs.basename(vim.fs.dirname(path))
  local ok, shown
  if vim.startswith(folder, 'theo-lsp-') then
    ok, shown = pcall(reading, path, enter)
  else
    ok, shown = pcall(file, uri, enter)
  end
  return ok and shown
end

return M
