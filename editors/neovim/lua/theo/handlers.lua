--- What the server sends and asks, by method; each is answered by a module that is loaded when it is needed.

local theo = require('theo')

---@type table<string, lsp.Handler>
local M = {}

---@type table<integer, vim.log.levels>
local levels = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO }

M['$/progress'] = function(problem, params, context)
  local answer = vim.lsp.handlers['$/progress'](problem, params, context)
  require('theo.progress').take(params, context.client_id)
  return answer
end

M['theo/preview'] = function(_, params, context)
  return require('theo.preview').ask(params, context.client_id)
end

M['theo/previewEnded'] = function(_, params)
  require('theo.preview').withdraw(params.id)
end

M['window/showDocument'] = function(problem, params, context)
  if params.external then
    return vim.lsp.handlers['window/showDocument'](problem, params, context)
  end
  return { success = require('theo.document').show(params.uri, params.takeFocus ~= false) }
end

-- The default puts the client's name before it, which the message begins with already.
M['window/showMessage'] = function(_, params)
  require('theo.progress').told(params.message)
  theo.tell(params.message, levels[params.type])
  return params
end

-- The default adds a colon to what is a sentence, and asks while the user types, so that keys answer it.
M['window/showMessageRequest'] = function(_, params)
  local waiting = coroutine.running()
  local function ask()
    vim.ui.select(params.actions or {}, {
      kind = 'theo',
      prompt = params.message,
      format_item = function(action)
        return action.title
      end,
    }, function(choice)
      vim.schedule(function() -- a choice may come before the wait for it
        coroutine.resume(waiting, choice or vim.NIL)
      end)
    end)
  end
  local moment = require('theo.moment')
  if moment.suits() then
    ask()
  else
    theo.tell('there is a question; it comes when you are back in Normal mode.')
    moment.wait(ask)
  end
  return coroutine.yield()
end

-- The default prints the label, over which the end of the run would need a second line.
M['workspace/applyEdit'] = function(problem, params, context)
  return vim.lsp.handlers['workspace/applyEdit'](problem, { edit = params.edit }, context)
end

return M
