--- The moment that suits: nothing opens or asks while the user is typing, because the keys would go there.

local M = {}

--- Whether the user is not in the middle of typing.
---@return boolean
function M.suits()
  return vim.api.nvim_get_mode().mode:sub(1, 1) == 'n' and vim.fn.getcmdwintype() == ''
end

--- Calls `go` once, at the next moment that suits.
---@param go fun()
---@return integer autocommand whose deletion takes it back
function M.wait(go)
  local waiting ---@type integer
  waiting = vim.api.nvim_create_autocmd({ 'ModeChanged', 'CmdwinLeave' }, {
    desc = 'Theo: what waits until the user has stopped typing',
    callback = function()
      vim.schedule(function()
        if M.suits() and pcall(vim.api.nvim_del_autocmd, waiting) then
          go()
        end
      end)
    end,
  })
  return waiting
end

return M
