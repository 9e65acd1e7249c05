-- Put messages into their queues, each once however often this is repeated.
-- KEYS  1 the set of ids that were pushed   2.. what the commands work on
-- ARGV  1 milliseconds the set is kept   2.. the messages in order, each as id ('' may be repeated), command,
--       number of its key, payload
-- Returns {1} when all are there, or {0, error, ids that are}: a command was refused, the ones behind it were not tried.
-- Atomic: nobody sees a part of it, and of two repetitions one does nothing. A server that refuses to write (it is
-- full, or a replica) refuses the whole script before it has done anything.
for i = 2, #ARGV, 4 do
    local id = ARGV[i]
    if id == '' or redis.call('SADD', KEYS[1], id) == 1 then
        local answer = redis.pcall(ARGV[i + 1], KEYS[tonumber(ARGV[i + 2])], ARGV[i + 3])
        if type(answer) == 'table' and answer.err then
            if id ~= '' then
                redis.call('SREM', KEYS[1], id)
            end
            redis.call('PEXPIRE', KEYS[1], ARGV[1])
            return {0, answer.err, redis.call('SMEMBERS', KEYS[1])}
        end
    end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {1}
