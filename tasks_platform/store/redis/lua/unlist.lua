-- Take ids off the list of letters that are no letters any more: somebody has deleted these by hand.
-- KEYS  1 the list of letters
-- ARGV  1 the prefix of all keys   2.. job ids
-- Returns nothing. One that is a letter by now is left alone.
for i = 2, #ARGV do
    if redis.call('EXISTS', ARGV[1] .. 'letter:' .. ARGV[i]) == 0 then
        redis.call('ZREM', KEYS[1], ARGV[i])
        for _, state in ipairs({'dead', 'parked', 'replaying'}) do
            redis.call('ZREM', KEYS[1] .. ':state:' .. state, ARGV[i])
        end
    end
end
