--- What other configuration may use: the options and the text for a status line.

local M = {}

---@class theo.Options
---@field progress boolean whether a run is shown at its line
---@field messages boolean whether the end of a run is told
---@field keys { accept: string, reject: string, close: string } keys of the preview, and of documents to read

---@type theo.Options
local defaults = {
  progress = true,
  messages = true,
  keys = { accept = 'ga', reject = 'q', close = 'q' },
}

--- The defaults, with what stands in `vim.g.theo`; read anew each time, so that it may be set at any time.
---@return theo.Options
function M.options()
  return vim.tbl_deep_extend('force', defaults, vim.g.theo or {})
end

--- The runs at work, for a status line; empty when there are none.
---@return string
function M.status()
  local progress = package.loaded['theo.progress']
  return progress and progress.line() or ''
end

--- A message to the user.
---@param text string
---@param level? vim.log.levels
function M.tell(text, level)
  vim.notify('Theo: ' .. text:gsub('^Theo: ', ''), level or vim.log.levels.INFO)
end

return M
