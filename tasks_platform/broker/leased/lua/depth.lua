-- Count what lies in queues, all at one moment.
-- KEYS  1 workers by the end of their leases   2 queues that are paused   3 how many stand empty in each list
-- ARGV  1 the prefix of all keys   2 what stands between a queue and a step   3 the number of steps
--       then all priority steps, first to last, then the queues
-- Returns {now in ms, then per queue: its pause or '', how many are not due yet, how many of them were set aside, when the
-- first of them is due in ms or 0, how many workers have, then per step: how many are ready, and the one that is taken next, or ''}.
-- Atomic: a message is counted once, while others move it. What is not a list counts as empty.
local time = redis.call('TIME')
local prefix, sep, count = ARGV[1], ARGV[2], tonumber(ARGV[3])
local claimed = {}
for _, worker in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    for _, recorded in ipairs(redis.call('HVALS', prefix .. 'leased:claimed:' .. worker)) do
        local cut = string.find(recorded, '\0', 1, true)
        if cut and cut > 1 then -- else it is a mark of a message that was put elsewhere
            local list = string.sub(recorded, 1, cut - 1)
            claimed[list] = (claimed[list] or 0) + 1
        end
    end
end
local function of_list(command, ...)
    local answer = redis.pcall(command, ...)
    return type(answer) ~= 'table' and answer or nil
end
local result = {time[1] * 1000 + math.floor(time[2] / 1000)}
for i = 4 + count, #ARGV do
    local queue = ARGV[i]
    local delayed = prefix .. 'leased:delayed:' .. queue
    local head = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
    result[#result + 1] = redis.call('HGET', KEYS[2], queue) or ''
    result[#result + 1] = redis.call('ZCARD', delayed)
    result[#result + 1] = redis.call('SCARD', prefix .. 'leased:held:' .. queue)
    result[#result + 1] = head[2] and math.floor(tonumber(head[2])) or 0
    local with_workers, place = 0, #result + 1
    result[place] = 0
    for j = 4, 3 + count do
        local list = prefix .. (ARGV[j] == '0' and queue or queue .. sep .. ARGV[j])
        with_workers = with_workers + (claimed[list] or 0)
        result[#result + 1] = (of_list('LLEN', list) or 0) - (redis.call('HGET', KEYS[3], list) or 0)
        result[#result + 1] = of_list('LINDEX', list, -1) or ''
    end
    result[place] = with_workers
end
return result
