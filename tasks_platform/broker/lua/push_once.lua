-- Put messages into their queues, each once however often this is repeated.
-- KEYS  1 the names of messages that were pushed   2.. where they go, and what the other commands work on
-- ARGV  1 milliseconds the names are kept   2 the prefix of all keys   3 the number of places; then per place: 'lpush',
--       'zadd' or 'publish', the number of its key, its queue, or '' if its messages cannot be found by their ids, the
--       number of messages, and per message: its name ('' may be repeated), when it is due (for 'zadd'), itself;
--       then commands that are done when all are there: name, number of the key, number of other arguments, and these
-- Returns {1} when all are there, or {0, error, names that are}: a place refused its messages, the places behind it were
-- not tried.
-- Atomic: nobody sees a part of it, and of two repetitions one does nothing. A server that refuses to write (it is
-- full, or a replica) refuses the whole script before it has done anything.
-- INDEX
local at, begun = 4, false
-- Returns those of the messages of a place that are not there, as what its command takes, and their names.
local function missing(count, is_list)
    local known, names, arguments = {}, {}, {}
    for i = 1, count do
        names[i] = ARGV[at + 3 * (i - 1)]
    end
    for i, is_there in ipairs(redis.call('SMISMEMBER', KEYS[1], unpack(names))) do
        known[names[i]] = is_there == 1 and names[i] ~= ''
    end
    local wanted = {}
    for i = 1, count do
        local name, due, text = ARGV[at], ARGV[at + 1], ARGV[at + 2]
        at = at + 3
        if not known[name] then
            known[name] = name ~= ''
            wanted[#wanted + 1] = name
            if not is_list then
                arguments[#arguments + 1] = due
            end
            arguments[#arguments + 1] = text
        end
    end
    return wanted, arguments
end
for _ = 1, tonumber(ARGV[3]) do
    local command, key, queue, count = ARGV[at], KEYS[tonumber(ARGV[at + 1])], ARGV[at + 2], tonumber(ARGV[at + 3])
    at = at + 4
    local names, arguments = missing(count, command ~= 'zadd')
    if #names > 0 then
        local answer
        if command == 'publish' then
            for _, text in ipairs(arguments) do
                redis.pcall(command, key, text)
            end
        else
            answer = redis.pcall(command, key, unpack(arguments))
        end
        if type(answer) == 'table' and answer.err then
            if not begun then
                return redis.error_reply(answer.err)
            end
            redis.call('PEXPIRE', KEYS[1], ARGV[1])
            return {0, answer.err, redis.call('SMEMBERS', KEYS[1])}
        end
        begun = true
        local ids, named = {}, {}
        for i, name in ipairs(names) do
            ids[i] = string.match(name, '^[^|]*') -- in its second queue it has a name of its own
            named[#named + 1] = name ~= '' and name or nil
        end
        if #named > 0 then
            redis.call('SADD', KEYS[1], unpack(named))
        end
        if queue ~= '' and command == 'lpush' then
            all_pushed(ARGV[2], queue, key, ids)
        elseif queue ~= '' then
            for i = 1, #names do
                delayed_until(ARGV[2], queue, arguments[2 * i - 1], arguments[2 * i], ids[i])
            end
        end
    end
end
while at <= #ARGV do
    local others = tonumber(ARGV[at + 2])
    redis.pcall(ARGV[at], KEYS[tonumber(ARGV[at + 1])], unpack(ARGV, at + 3, at + 2 + others))
    at = at + 3 + others
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {1}
