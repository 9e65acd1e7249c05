-- Put messages into their queues, each once however often this is repeated.
-- KEYS  1 the set of ids that were pushed   2.. what the commands work on
-- ARGV  1 milliseconds the set is kept   2.. the messages in order, each as id ('' may be repeated), number of its
--       commands, and per command: its name, the number of its key, the number of its other arguments, and these
-- Returns {1} when all are there, or {0, error, ids that are}: a message was refused, the ones behind it were not tried.
-- Atomic: nobody sees a part of it, and of two repetitions one does nothing. A server that refuses to write (it is
-- full, or a replica) refuses the whole script before it has done anything.
local at = 2
while at <= #ARGV do
    local id, commands = ARGV[at], tonumber(ARGV[at + 1])
    local wanted = id == '' or redis.call('SADD', KEYS[1], id) == 1
    at = at + 2
    for nth = 1, commands do
        local others = tonumber(ARGV[at + 2])
        if wanted then
            local answer = redis.pcall(ARGV[at], KEYS[tonumber(ARGV[at + 1])], unpack(ARGV, at + 3, at + 2 + others))
            if nth == 1 and type(answer) == 'table' and answer.err then -- the first one puts it there
                if id ~= '' then
                    redis.call('SREM', KEYS[1], id)
                end
                redis.call('PEXPIRE', KEYS[1], ARGV[1])
                return {0, answer.err, redis.call('SMEMBERS', KEYS[1])}
            end
        end
        at = at + 3 + others
    end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {1}
