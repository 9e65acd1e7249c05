-- What a job takes in the step that pushes its message: an id of its caller's choice, a unique key, or both.
-- keys       1 the id's key   2 the letter's hash   3 the job's hash   4 the unique key
-- arguments  1 the job id   2 the sender's token, '' if the id is not to be taken   3 ms the id stays taken
--            4 ms the unique key is kept, 0 if it is not to be taken
-- PART ids
local function refusal(keys, arguments)
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    if arguments[2] ~= '' then
        local state = state_of_id(keys[1], keys[2], arguments[2], now)
        if state ~= 'free' then
            return {state}
        end
    end
    if arguments[4] ~= '0' then
        local holder = redis.call('GET', keys[4])
        if holder and holder ~= arguments[1] then
            return {'held', holder}
        end
    end
end
local function take(keys, arguments)
    if arguments[2] ~= '' then
        begin_anew(keys[1], keys[3])
        redis.call('SET', keys[1], 'sent', 'PX', arguments[3])
    end
    if arguments[4] ~= '0' then
        redis.call('SET', keys[4], arguments[1], 'PX', arguments[4])
    end
end
