-- Add to the counts of an hour, once.
-- KEYS  1 the hour's hash of counts   2 the number of its writer's last addition
-- ARGV  1 milliseconds the counts are kept   2 milliseconds it may be repeated   3 number of this addition
--       4.. name, count, name, count...
-- Returns 1 if the counts were added, 0 if they had been.
-- Atomic: an addition whose answer was lost may be repeated.
if tonumber(ARGV[3]) <= tonumber(redis.call('GET', KEYS[2]) or 0) then
    return 0
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2])
for i = 4, #ARGV, 2 do
    redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
