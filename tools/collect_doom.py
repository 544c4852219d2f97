#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records a scripted explorer of ViZDoom's health_gathering_supreme as safetensors files.

The format is described in docs/data-format.md. The game, the explorer and the reduction are
deterministic: the same seeds give the same bytes, however many processes record.
Started by tools/collect-doom, which makes the environment it needs.
"""
import argparse
import collections
import hashlib
import itertools
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import vizdoom

SCENARIO = "health_gathering_supreme"
FRAME_SKIP = 3
TICS_PER_SECOND = 35
HEIGHT, WIDTH = 48, 64
SHORTEST_EPISODE = 60

# Each action with the buttons TURN_LEFT, TURN_RIGHT, MOVE_FORWARD that it presses.
ACTIONS = {
    "none": [0, 0, 0],
    "forward": [0, 0, 1],
    "left": [1, 0, 0],
    "right": [0, 1, 0],
    "forward-left": [1, 0, 1],
    "forward-right": [0, 1, 1],
}
NAMES = list(ACTIONS)
BUTTONS = list(ACTIONS.values())
NONE, FORWARD, LEFT, RIGHT, FORWARD_LEFT, FORWARD_RIGHT = range(len(NAMES))

# Split: frames, first episode seed. The seeds of two splits are a million apart and so never meet.
SPLITS = {
    "train": (100_000, 1_000_000),
    "validation": (5_000, 2_000_000),
    "test": (5_000, 3_000_000),
}
PINNED = {
    "train": "d1b82510dd01114c925f7b2ee17ce61b58d54bc46e448458bdfd38f016a42f0a",
    "validation": "50c26ebd437290a08fc9a1227834e85108fff5764cfb54763f2c2f177036c44a",
    "test": "7a818f676077b9fd4f2007ca1dc1062f043f21bd1cd98ae25510b6fac118da87",
}


def floor(frame):
    """Where a frame [..., H, W, 3] shows the green floor [..., H, W]."""
    red, green, blue = (frame[..., channel].astype(np.int16) for channel in range(3))
    return (green > red + 8) & (green > blue + 8)


def sky(frame):
    """Where a frame shows the near-black blue above the walls."""
    red, green, blue = (frame[..., channel].astype(np.int16) for channel in range(3))
    return (blue > red + 4) & (blue > green + 4)


class Explorer:
    """Walks through the maze as a curious player would: knows what it sees and where the kits in sight are.

    Keeps one plan at a time (an action held for some steps). Turns away when the view stands still
    although forward is pressed, mostly also when a wall is right ahead, and walks up to a medical kit
    in sight most of the time.
    """

    STILL = 2.0  # mean absolute change of a pixel below which a forward step met a wall
    AIM = 0.09  # a target this far from the middle, in screen widths, is steered at

    def __init__(self, seed):
        # Only random() is used: the one method whose sequence Python guarantees across versions.
        self.draw = random.Random(seed).random
        self.action, self.steps_left, self.seeking = NONE, 0, False
        self.previous = None

    def between(self, low, high):
        return low + int(self.draw() * (high - low + 1))

    def either(self, first, second):
        return first if self.draw() < 0.5 else second

    def hold(self, action, low, high):
        self.action, self.steps_left, self.seeking = action, self.between(low, high), False

    def act(self, frame, kits):
        """The next action, from the present frame and the places (-0.5 to 0.5) of the kits in sight."""
        if self.is_blocked(frame) or (self.is_wall_ahead(frame) and self.draw() < 0.75):
            self.turn_away(frame)
        elif self.steps_left == 0:
            self.plan(kits)
        self.previous = frame
        self.steps_left -= 1
        if self.seeking and kits:
            self.action = self.steer(kits[0])
        return self.action

    def is_blocked(self, frame):
        if self.previous is None or not BUTTONS[self.action][2]:
            return False
        change = np.abs(frame.astype(np.int16) - self.previous).sum()
        return int(change) < self.STILL * frame.size

    def is_wall_ahead(self, frame):
        """Whether no floor further off than a few steps is seen in the middle."""
        return not floor(frame[:40, 20:44]).any()

    def turn_away(self, frame):
        """Turns for a while: on with the present turn, else to the side that shows more floor."""
        if self.action in (LEFT, RIGHT):
            self.steps_left = max(self.steps_left, self.between(1, 4))
            return
        seen = floor(frame)
        left, right = int(seen[:, : WIDTH // 2].sum()), int(seen[:, WIDTH // 2 :].sum())
        side = self.either(LEFT, RIGHT) if left == right else LEFT if left > right else RIGHT
        self.hold(side, 4, 12)

    def plan(self, kits):
        chance = self.draw()
        if kits and chance < 0.5:
            self.hold(FORWARD, 8, 20)
            self.seeking = True
        elif chance < 0.50:
            self.hold(FORWARD, 4, 16)
        elif chance < 0.78:
            self.hold(self.either(FORWARD_LEFT, FORWARD_RIGHT), 3, 10)
        elif chance < 0.90:
            self.hold(self.either(LEFT, RIGHT), 3, 12)
        else:
            self.hold(self.between(NONE, FORWARD_RIGHT), 1, 4)

    def steer(self, place):
        if place < -self.AIM:
            return FORWARD_LEFT
        if place > self.AIM:
            return FORWARD_RIGHT
        return FORWARD


def reduced(screen):
    """160x120 to 64x48 by the exact area-weighted box filter, in integers.

    Two output pixels cover five input pixels with weights 2 2 1 0 0 and 0 0 1 2 2 (of 5).
    """
    rows = screen.reshape(HEIGHT // 2, 5, -1, 3).astype(np.uint16)
    rows = np.stack([2 * (rows[:, 0] + rows[:, 1]) + rows[:, 2], rows[:, 2] + 2 * (rows[:, 3] + rows[:, 4])], 1)
    columns = rows.reshape(HEIGHT, WIDTH // 2, 5, 3)
    pixels = np.stack(
        [
            2 * (columns[:, :, 0] + columns[:, :, 1]) + columns[:, :, 2],
            columns[:, :, 2] + 2 * (columns[:, :, 3] + columns[:, :, 4]),
        ],
        2,
    )
    return ((pixels.reshape(HEIGHT, WIDTH, 3) + 12) // 25).astype(np.uint8)


game = None


def open_game(scratch):
    """Starts this process's game; the settings it leaves in its working folder go into `scratch`."""
    global game
    os.chdir(tempfile.mkdtemp(dir=scratch))
    game = vizdoom.DoomGame()
    game.load_config(os.path.join(vizdoom.scenarios_path, SCENARIO + ".cfg"))
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_labels_buffer_enabled(True)
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.init()


def kits_in_sight(state):
    """Horizontal places of the medical kits in sight, the nearest (widest) first."""
    kits = [label for label in state.labels if label.object_name == "CustomMedikit"]
    kits.sort(key=lambda label: (-label.width, label.x))
    return [(label.x + label.width / 2) / 160 - 0.5 for label in kits]


class Episode(collections.namedtuple("Episode", "seed frames actions walls stills")):
    """frames [N, 48, 64, 3], the action that led into each [N], and which are wall-only and still [N]."""

    def first(self, count):
        return Episode(self.seed, *(field[:count] for field in self[1:]))


def record(seed):
    """Plays one episode."""
    game.set_seed(seed)
    game.new_episode()
    explorer = Explorer(seed)
    frames, actions = [], [NONE]
    while not game.is_episode_finished():
        state = game.get_state()
        frames.append(reduced(state.screen_buffer))
        actions.append(explorer.act(frames[-1], kits_in_sight(state)))
        game.make_action(BUTTONS[actions[-1]], FRAME_SKIP)
    frames = np.stack(frames)
    return Episode(seed, frames, np.array(actions[:-1], np.uint8), walls_only(frames), still(frames))


def walls_only(frames):
    """Which frames show floor or sky on less than 2 % of their pixels."""
    return (floor(frames) | sky(frames)).mean((1, 2)) < 0.02


def still(frames):
    """Which frames differ from the one before by less than half a grey level a pixel."""
    change = np.abs(np.diff(frames.astype(np.int16), axis=0)).mean((1, 2, 3)) < 0.5
    return np.concatenate([[False], change])


def episodes(first_seed, processes):
    """Yields episodes for ever, in the order of their seeds."""
    context = multiprocessing.get_context("spawn")
    seeds = itertools.count(first_seed)
    with (
        tempfile.TemporaryDirectory() as scratch,
        ProcessPoolExecutor(processes, context, initializer=open_game, initargs=(scratch,)) as pool,
    ):
        ahead = collections.deque(pool.submit(record, next(seeds)) for _ in range(3 * processes))
        try:
            while True:
                yield ahead.popleft().result()
                ahead.append(pool.submit(record, next(seeds)))
        finally:
            for episode in ahead:
                episode.cancel()


def length_to_keep(length, room):
    """How much of an episode to keep so that no kept episode is shorter than SHORTEST_EPISODE; 0 is none."""
    if length < SHORTEST_EPISODE:
        return 0
    if length >= room:
        return room
    if room - length >= SHORTEST_EPISODE:
        return length
    shorter = room - SHORTEST_EPISODE
    return shorter if shorter >= SHORTEST_EPISODE else 0


class Recording:
    """A safetensors file being written: place for the header is kept free until the end."""

    HEADER = 4096  # also makes the data page-aligned
    KINDS = {"U8": np.uint8, "I32": "<i4"}

    def __init__(self, path, count):
        self.path, self.partial = path, path + ".partial"
        self.filled, self.episode_count = 0, 0
        self.entries, end = {}, 0
        # The widest elements come first, so every tensor is aligned.
        for name, kind, shape in [
            ("episode_ids", "I32", [count]),
            ("frames", "U8", [count, HEIGHT, WIDTH, 3]),
            ("actions", "U8", [count]),
        ]:
            begin, end = end, end + np.dtype(self.KINDS[kind]).itemsize * int(np.prod(shape))
            self.entries[name] = {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}
        self.bytes = np.memmap(self.partial, np.uint8, "w+", shape=(self.HEADER + end,))
        self.frames, self.actions, self.episode_ids = map(self.tensor, ["frames", "actions", "episode_ids"])

    def stored(self, name):
        begin, end = self.entries[name]["data_offsets"]
        return self.bytes[self.HEADER + begin : self.HEADER + end]

    def tensor(self, name):
        entry = self.entries[name]
        return self.stored(name).view(self.KINDS[entry["dtype"]]).reshape(entry["shape"])

    def append(self, episode):
        here = slice(self.filled, self.filled + len(episode.frames))
        self.frames[here], self.actions[here] = episode.frames, episode.actions
        self.episode_ids[here] = self.episode_count
        self.filled += len(episode.frames)
        self.episode_count += 1

    def close(self, metadata):
        """Writes the header and gives the file its name. Returns the file's sha256."""
        digests = {"sha256:" + name: hashlib.sha256(self.stored(name)).hexdigest() for name in self.entries}
        header = {"__metadata__": {**metadata, **digests}, **self.entries}
        text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
        room = self.HEADER - 8
        if len(text) > room:
            raise ValueError(f"{self.path}: the header takes {len(text)} bytes and has room for {room}")
        self.bytes[: self.HEADER] = np.frombuffer(room.to_bytes(8, "little") + text.ljust(room), np.uint8)
        self.bytes.flush()
        os.replace(self.partial, self.path)
        return hashlib.sha256(self.bytes).hexdigest()


def collect(path, count, first_seed, processes):
    """Records `count` frames into `path` and prints what they are. Returns the file's sha256."""
    recording = Recording(path, count)
    walls = stills = 0
    started = time.monotonic()
    for episode in episodes(first_seed, processes):
        episode = episode.first(length_to_keep(len(episode.frames), count - recording.filled))
        if len(episode.frames) == 0:
            continue
        recording.append(episode)
        walls, stills = walls + int(episode.walls.sum()), stills + int(episode.stills.sum())
        show_progress(path, recording.filled, count, started)
        if recording.filled == count:
            break
    shares = np.bincount(recording.actions, minlength=len(NAMES)) / count
    statistics = {
        "wall_only_share": f"{walls / count:.4f}",
        "still_share": f"{stills / count:.4f}",
        "action_shares": " ".join(f"{share:.4f}" for share in shares),
    }
    digest = recording.close(
        {
            "format": "flow-recording-1",
            "scenario": SCENARIO,
            "source": f"ViZDoom {vizdoom.__version__}, Freedoom content (BSD-3-Clause)",
            "actions": " ".join(NAMES),
            "frame_skip": str(FRAME_SKIP),
            "frames_per_second": f"{TICS_PER_SECOND}/{FRAME_SKIP}",
            "first_seed": str(first_seed),
            "last_seed": str(episode.seed),
            "episodes": str(recording.episode_count),
            **statistics,
        }
    )
    print(f"{path}: {count} frames in {recording.episode_count} episodes, seeds {first_seed} to {episode.seed}")
    print(f"  wall-only frames {walls / count:.2%}, still frames {stills / count:.2%}")
    print("  actions " + ", ".join(f"{name} {share:.1%}" for name, share in zip(NAMES, shares)))
    print(f"  sha256 {digest}")
    return digest


def show_progress(path, done, count, started):
    rate = done / (time.monotonic() - started)
    line = f"{path}: {done}/{count} frames, {rate:.0f}/s, {(count - done) / rate:.0f} s left"
    print(line.ljust(100), end="\n" if done == count else "\r", file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        prog="collect-doom", description="Records a scripted explorer of ViZDoom's health_gathering_supreme."
    )
    parser.add_argument("--frames", type=int, metavar="N", help="record one small file of N frames instead")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="first episode seed for --frames (default 1)")
    parser.add_argument("--output", metavar="DIR", help="folder (default $FLOW_DATA/doom-health, data/doom-health)")
    parser.add_argument("--processes", type=int, default=2, metavar="P", help="games at once (default 2)")
    options = parser.parse_args()
    if options.frames is not None and options.frames < SHORTEST_EPISODE:
        parser.error(f"--frames must be at least {SHORTEST_EPISODE}, the shortest episode kept")
    if options.processes < 1:
        parser.error("--processes must be at least 1")
    return options


def main():
    options = arguments()
    folder = options.output or os.path.join(os.environ.get("FLOW_DATA", "data"), "doom-health")
    os.makedirs(folder, exist_ok=True)
    if options.frames is not None:
        collect(os.path.join(folder, "recording.safetensors"), options.frames, options.seed, options.processes)
        return 0
    status = 0
    for split, (count, first_seed) in SPLITS.items():
        path = os.path.join(folder, split + ".safetensors")
        digest = collect(path, count, first_seed, options.processes)
        if digest == PINNED[split]:
            print("  as pinned")
        else:
            print(f"  DIFFERS from the pinned sha256 {PINNED[split]}: figures will not be comparable", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
