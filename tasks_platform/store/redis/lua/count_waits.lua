-- Add to the counts of an hour, once.
-- KEYS  1 the hour's hash of counts   2 the name of this addition
-- ARGV  1 milliseconds the counts are kept   2 milliseconds it may be repeated   3.. name, count, name, count...
-- Returns 1 if the counts were added, 0 if they had been.
-- Atomic: an addition whose answer was lost may be repeated.
if not redis.call('SET', KEYS[2], 1, 'NX', 'PX', ARGV[2]) then
    return 0
end
for i = 3, #ARGV, 2 do
    redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
