use super::frames::{CONTINUATION, END_HEADERS, PUSH_PROMISE};
use super::*;

const PREFACE_BYTES: usize = 24;
const HEADER_BYTES: usize = 9;
const SETTING_BYTES: usize = 6;
const INITIAL_WINDOW_SIZE: u16 = 4;
const WINDOW_BYTES_MIN: u32 = 4 << 10;

fn frame(kind: u8, payload: usize) -> Vec<u8> {
    let length = u32::try_from(payload).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, 0, 0, 0, 0, 1];
    frame.resize(HEADER_BYTES + payload, 0xff);
    frame
}

/// The number of repeats after which it is a flood, however the bytes are cut.
fn flood_after(repeated: &[Vec<u8>], written: u64, chunk: usize, most: u64) -> Option<u64> {
    let mut count = Count::new();
    count.read(&[b'P'; PREFACE_BYTES]);
    let repeated = repeated.concat();
    (1..=most).find(|_| {
        repeated.chunks(chunk).for_each(|part| count.read(part));
        count.answer_bytes += written;
        count.are_a_flood().is_some()
    })
}

/// row: S-11
#[test]
fn frames_that_ask_for_nothing_are_a_flood_however_they_are_cut() {
    const PING: u8 = 6;
    for chunk in [1, 7, 9, 10, 1000] {
        for (kind, payload, answer, least) in [
            (SETTINGS, 0, 9, 1001),
            (SETTINGS, 36, 9, 1001),
            (PING, 8, 17, 1001),
            (2, 5, 0, 1001),
            (8, 4, 0, 1001),
            (DATA, 0, 0, 1001),
        ] {
            let after = flood_after(&[frame(kind, payload)], answer, chunk, 3000);
            let after = after.unwrap_or_else(|| panic!("{kind} never is"));
            assert!((least..1500).contains(&after), "{kind}: {after}");
        }
        let mut padded = frame(DATA, 200);
        padded[4] = PADDED;
        assert!(flood_after(&[padded], 0, chunk, 1500).is_some());
        let reset = [frame(HEADERS, 20), frame(RST_STREAM, 4)];
        let after = flood_after(&reset, 100, chunk, 3000);
        assert!(after.is_some_and(|after| after > 2 * FREE), "{after:?}");
    }
}

/// row: S-11
#[test]
fn a_client_that_asks_for_something_is_none() {
    // A call, room for its answer twice and a ping; an upload; a download that gives room for each frame of it.
    let call = [
        frame(HEADERS, 50),
        frame(DATA, 30),
        frame(8, 4),
        frame(8, 4),
        frame(6, 8),
    ];
    assert_eq!(flood_after(&call, 200, 13, 100_000), None);
    assert_eq!(flood_after(&[frame(DATA, 16_384)], 26, 4096, 10_000), None);
    let room = [frame(8, 4), frame(8, 4)];
    assert_eq!(flood_after(&room, 1000, 26, 100_000), None);
    // One in three is taken back, for ever.
    let calls = [
        frame(HEADERS, 50),
        frame(HEADERS, 50),
        frame(HEADERS, 50),
        frame(RST_STREAM, 4),
    ];
    assert_eq!(flood_after(&calls, 500, 26, 100_000), None);
}

/// row: S-14
#[test]
fn a_head_is_one_until_it_is_whole_however_the_frames_are_cut() {
    let whole = |kind, payload| {
        let mut frame = frame(kind, payload);
        frame[4] = END_HEADERS;
        frame
    };
    for (kind, chunk) in [HEADERS, PUSH_PROMISE]
        .into_iter()
        .flat_map(|kind| [1, 5, 9, 10, 1000].map(|chunk| (kind, chunk)))
    {
        let head = [
            frame(kind, 20),
            frame(CONTINUATION, 0),
            whole(CONTINUATION, 9),
        ]
        .concat();
        let mut count = Count::new();
        count.read(&[b'P'; PREFACE_BYTES]);
        assert_eq!(count.amid_head(), Some(0), "its settings come first");
        count.read(&frame(SETTINGS, 0));
        assert_eq!(count.amid_head(), None);
        let mut parts = head.chunks(chunk).peekable();
        while let Some(part) = parts.next() {
            count.read(part);
            let number = parts.peek().map(|_| 1);
            assert_eq!(count.amid_head(), number, "by {chunk}");
        }
        count.read(&frame(DATA, 30)[..20]);
        assert_eq!(count.amid_head(), None, "a body has its own time");
        count.read(&[0xff; 19]);
        count.read(&whole(HEADERS, 20)[..12]);
        assert_eq!(count.amid_head(), Some(3));
    }
}

/// row: S-11
#[test]
fn who_takes_less_than_a_short_answer_is_narrow_however_the_frames_are_cut() {
    let settings = |settings: &[(u16, u32)]| {
        let mut frame = frame(SETTINGS, settings.len() * SETTING_BYTES);
        frame.truncate(HEADER_BYTES);
        for (id, value) in settings {
            frame.extend(id.to_be_bytes());
            frame.extend(value.to_be_bytes());
        }
        frame
    };
    let small = WINDOW_BYTES_MIN - 1;
    for chunk in [1, 5, 9, 10, 1000] {
        for (said, narrow) in [
            (
                vec![settings(&[(3, 0), (INITIAL_WINDOW_SIZE, small)])],
                true,
            ),
            (
                vec![settings(&[(1, 0)]), settings(&[(INITIAL_WINDOW_SIZE, 0)])],
                true,
            ),
            (
                vec![settings(&[(3, 0), (INITIAL_WINDOW_SIZE, small + 1)])],
                false,
            ),
            (vec![frame(DATA, 30), frame(8, 4), settings(&[])], false),
        ] {
            let mut count = Count::new();
            count.read(&[b'P'; PREFACE_BYTES]);
            said.concat()
                .chunks(chunk)
                .for_each(|part| count.read(part));
            assert_eq!(count.settings.are_narrow(), narrow, "{said:?} by {chunk}");
        }
    }
}
