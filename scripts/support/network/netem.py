#!/usr/bin/env python3
"""Owns a bad link between two network namespaces: delay, loss, jitter, reordering and a rate, changed while it runs.

It needs no kernel module for that (sch_netem is missing from many): each namespace gets a TUN device, and this process
carries packets from one to the other. Every setting holds for each direction on its own: a delay of 50 ms makes a round
trip of 100 ms.

usage: netem.py nsA ipA nsB ipB [options]

It prints "up" when packets can flow. A line of names and values on its standard input, such as "loss=5 delay=50", changes
settings, in both directions, or with "ab:loss=5" and "ba:loss=5" in one; it prints "set" when they hold. It ends when its input does, or after --seconds, whichever comes first, and then
prints what it carried and dropped to its standard error. With --delete it deletes both namespaces as its last act, and
those that are named after it, so that none are left behind when its parent is killed; programs that still run in them are
killed.
"""
import argparse
import copy
import ctypes
import fcntl
import heapq
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
MTU = 1500
UDP = 17
# Packets read from one side before the other gets its turn.
BATCH = 64


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('nsA', 'ipA', 'nsB', 'ipB'):
        parser.add_argument(name)
    for name, default, meaning in (
        ('delay', 0, 'milliseconds'),
        ('jitter', 0, 'milliseconds: each packet takes the delay plus or minus up to this, and may overtake others'),
        ('loss', 0, 'percent of packets'),
        ('reorder', 0, 'percent of packets that take no delay at all'),
        ('rate', 0, 'kbit/s; 0 for no limit'),
        ('queue-ms', 200, 'milliseconds that a packet may wait for its turn under --rate, or it is dropped'),
        ('drop-udp', 0, '1 to let no UDP through'),
        ('seconds', 600, 'how long it runs at most'),
        ('seed', 1, 'of the losses'),
    ):
        parser.add_argument('--' + name, type=float, default=default, help=meaning)
    parser.add_argument('--delete', nargs='*', metavar='NS', help='delete both namespaces at the end, and these')
    return parser.parse_args()


def open_tun(namespace, ip, peer):
    """Enters the namespace and opens a TUN device in it. The device stays there when this process moves on."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open('/run/netns/' + namespace, os.O_RDONLY)
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'cannot enter namespace ' + namespace)
    os.close(fd)
    tun = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH22x', b'em0', IFF_TUN_NO_PI))
    subprocess.check_call(['ip', 'addr', 'add', ip, 'peer', peer, 'dev', 'em0'])
    subprocess.check_call(['ip', 'link', 'set', 'em0', 'mtu', str(MTU), 'txqueuelen', '2000', 'up'])
    return tun


def is_udp(packet):
    if len(packet) < 20:
        return False
    return packet[9 if packet[0] >> 4 == 4 else 6] == UDP


def delete(namespace):
    """Deletes a namespace with its host names. The programs in it would keep it alive without its name."""
    found = subprocess.run(['ip', 'netns', 'pids', namespace], capture_output=True, text=True)
    # This process is itself in one of them.
    for pid in {int(pid) for pid in found.stdout.split()} - {os.getpid()}:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    subprocess.call(['ip', 'netns', 'delete', namespace], stderr=subprocess.DEVNULL)
    shutil.rmtree('/etc/netns/' + namespace, ignore_errors=True)


class Link:
    """Carries packets between two devices, late, or not at all."""

    def __init__(self, side_a, side_b, options):
        self.other = {side_a: side_b, side_b: side_a}
        # By the side that a packet comes from.
        self.options = {side_a: copy.copy(options), side_b: copy.copy(options)}
        self.random = random.Random(options.seed)
        # When each side's last packet has left a link of that rate.
        self.free_at = {side_a: 0.0, side_b: 0.0}
        # (when, number, to, packet): the number keeps packets of one moment in order.
        self.waiting = []
        self.number = 0
        self.counts = {'came': 0, 'lost': 0, 'overflowed': 0}

    def pause(self, now):
        """Seconds until the next packet is due, at most one."""
        return max(0, min(self.waiting[0][0] - now, 1)) if self.waiting else 1

    def read(self, side):
        for _ in range(BATCH):
            try:
                packet = os.read(side, MTU + 500)
            except BlockingIOError:
                return
            self.accept(side, packet, time.monotonic())

    def accept(self, side, packet, now):
        options = self.options[side]
        self.counts['came'] += 1
        if options.loss and self.random.random() * 100 < options.loss:
            self.counts['lost'] += 1
            return
        if options.drop_udp and is_udp(packet):
            self.counts['lost'] += 1
            return
        at = now
        if options.rate:
            start = max(now, self.free_at[side])
            if (start - now) * 1000 > options.queue_ms:
                self.counts['overflowed'] += 1
                return
            # kbit/s are bits a millisecond.
            at = self.free_at[side] = start + len(packet) * 8 / options.rate / 1000
        if not (options.reorder and self.random.random() * 100 < options.reorder):
            at += max(0, options.delay + self.random.uniform(-options.jitter, options.jitter)) / 1000
        self.number += 1
        heapq.heappush(self.waiting, (at, self.number, self.other[side], packet))

    def write(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            _, _, side, packet = heapq.heappop(self.waiting)
            try:
                os.write(side, packet)
            except OSError:
                self.counts['overflowed'] += 1


class Control:
    """Reads settings, line by line."""

    def __init__(self, from_a, from_b):
        self.directions = {'ab': (from_a,), 'ba': (from_b,), '': (from_a, from_b)}
        self.rest = ''

    def read(self):
        """Returns false once the input has ended."""
        text = os.read(0, 4096).decode()
        *lines, self.rest = (self.rest + text).split('\n')
        for line in lines:
            for setting in line.split():
                name, value = setting.split('=')
                direction, _, name = name.rpartition(':')
                for options in self.directions[direction]:
                    setattr(options, name.replace('-', '_'), float(value))
            print('set', flush=True)
        return text != ''


def carry(options):
    side_a = open_tun(options.nsA, options.ipA, options.ipB)
    side_b = open_tun(options.nsB, options.ipB, options.ipA)
    link = Link(side_a, side_b, options)
    control = Control(link.options[side_a], link.options[side_b])
    end = time.monotonic() + options.seconds
    print('up', flush=True)
    listening = True
    while listening and time.monotonic() < end:
        ready, _, _ = select.select([side_a, side_b, 0], [], [], link.pause(time.monotonic()))
        for file in ready:
            if file == 0:
                listening = control.read()
            else:
                link.read(file)
        link.write(time.monotonic())
    print(link.counts, file=sys.stderr)


def main():
    options = arguments()
    # An ending process group is told by SIGTERM: the namespaces are deleted then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        carry(options)
    finally:
        if options.delete is not None:
            for namespace in (options.nsA, options.nsB, *options.delete):
                delete(namespace)


main()
