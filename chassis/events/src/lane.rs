//! Lanes: a fixed number of queues that an outbox is read in, side by side.
//!
//! All facts of one key lie in one lane, so whoever reads each lane in its order by a cursor of its
//! own keeps the order per thing, and needs neither a mark on a row nor a lock.

/// How many lanes an outbox has. Rows keep the lane they were written in, so another number needs
/// a migration of them.
pub(crate) const LANES: u32 = 16;

/// The lane of a key, the same in every process and for ever: FNV-1a, folded so that all of its
/// bits count.
pub(crate) fn of(key: &str) -> i16 {
    const OFFSET: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let hash = key.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(PRIME)
    });
    let lane = (hash ^ (hash >> 16)) % LANES;
    i16::try_from(lane).expect("there are few lanes")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// Rows hold these numbers: a hash that gave others would part a thing's facts.
    #[test]
    fn a_key_keeps_its_lane_for_ever() {
        let keys = ["", "a", "b", "lamp", "0190a6b0-0000-7000-8000-000000000001"];
        assert_eq!(keys.map(of), [9, 0, 9, 11, 15]);
    }

    #[test]
    fn keys_that_differ_little_are_spread_over_all_lanes() {
        let mut filled = [0_u32; LANES as usize];
        for number in 0..1600 {
            let key = Uuid::from_u128(0x0190_a6b0_0000_7000_8000_0000_0000_0000 + number);
            filled[usize::try_from(of(&key.to_string())).unwrap()] += 1;
        }
        assert!(
            filled.iter().all(|count| (50..200).contains(count)),
            "{filled:?}"
        );
    }
}
