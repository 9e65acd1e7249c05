-- Tell what an id is to a sender: free, reserved or taken.
local function state_of_id(id, letter, token, now)
    local current = redis.call('GET', id)
    if not current then
        return redis.call('EXISTS', letter) == 1 and 'taken' or 'free'
    end
    local lapses, whose = string.match(current, '^reserved:(%d+):(.*)$')
    if lapses then
        return whose ~= token and tonumber(lapses) > now and 'reserved' or 'free'
    end
    return 'taken'
end
-- Forget which copies of an id's messages were run, if it is free because its job ended long ago: a reservation that
-- lapsed may have sent its message all the same.
local function begin_anew(id, job)
    if redis.call('EXISTS', id) == 0 then
        redis.call('DEL', job)
    end
end
