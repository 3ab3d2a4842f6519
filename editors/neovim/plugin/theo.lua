if vim.g.loaded_theo then
  return
end
vim.g.loaded_theo = true

vim.api.nvim_create_user_command('Theo', function(given)
  require('theo.commands').run(given)
end, {
  nargs = '*',
  range = true,
  desc = 'Theo: an action at the cursor or over a range; alone, what is offered here',
  complete = function(...)
    return require('theo.commands').complete(...)
  end,
})
