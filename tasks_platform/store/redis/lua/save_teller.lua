-- Keep what a teller has to know next time, if it is still what it has read.
-- KEYS  1 what is kept
-- ARGV  1 what was read, or ''   2 what is to be kept
-- Returns 1, or 0 if another one has saved since. Asked again, it says so again.
local kept = redis.call('GET', KEYS[1]) or ''
if kept ~= ARGV[1] and kept ~= ARGV[2] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
