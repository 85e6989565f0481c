"""Publishes by WHIP, or plays by WHEP, with GStreamer's webrtcbin, until the standard input ends.

Usage: webrtcbin.py publish|play URL [TOKEN]

Publishes a test picture (VP8) and a tone (Opus). Prints one JSON object a line: {"state": ...} when the connection changes,
{"received": {"video": frames, "audio": buffers}}, decoded, while it plays, and {"error": ...} before it gives up.
"""

import json
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402

PUBLISHED = """
  webrtcbin name=peer bundle-policy=max-bundle
  videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=15/1
    ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=30 target-bitrate=300000 ! rtpvp8pay picture-id-mode=15-bit
    ! application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96 ! peer.
  audiotestsrc is-live=true freq=440 ! audioconvert ! audioresample ! opusenc ! rtpopuspay
    ! application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=97,encoding-params=(string)2 ! peer.
"""
WANTED = (
    "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=97,encoding-params=(string)2",
    "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96",
)
DECODERS = {
    "audio": "queue ! rtpopusdepay ! opusdec ! fakesink name=sink sync=false signal-handoffs=true",
    "video": "queue ! rtpvp8depay ! vp8dec ! fakesink name=sink sync=false signal-handoffs=true",
}
# Seconds.
HTTP_TIMEOUT = 10
REPORT_INTERVAL = 0.2

output = threading.Lock()


def tell(**what):
    with output:
        print(json.dumps(what), flush=True)


def send(url, method, sdp=None, token=None):
    """One request. Returns status, headers and body; a status of 400 and above is no error here."""
    headers = {"Content-Type": "application/sdp"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, data=sdp and sdp.encode(), headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


class Peer:
    """A pipeline with one webrtcbin."""

    def __init__(self, pipeline):
        self.pipeline = pipeline
        self.bin = pipeline.get_by_name("peer")
        self.bin.connect("notify::connection-state", self._on_connection_state)

    def _on_connection_state(self, peer, _property):
        tell(state=peer.get_property("connection-state").value_nick)

    def play(self):
        self.pipeline.set_state(Gst.State.PLAYING)

    def close(self):
        self.pipeline.set_state(Gst.State.NULL)

    def create(self, kind):
        """Creates an offer or an answer, and sets it. Returns its SDP."""
        promise = Gst.Promise.new()
        self.bin.emit(f"create-{kind}", None, promise)
        promise.wait()
        # The reply owns the description.
        reply = promise.get_reply()
        description = reply.get_value(kind)
        self._set("local", description)
        return description.sdp.as_text()

    def set_remote(self, kind, sdp):
        _, message = GstSdp.SDPMessage.new_from_text(sdp)
        self._set("remote", GstWebRTC.WebRTCSessionDescription.new(kind, message))

    def _set(self, side, description):
        promise = Gst.Promise.new()
        self.bin.emit(f"set-{side}-description", description, promise)
        promise.wait()


def publisher():
    """A peer that has something to send, once it knows what."""
    peer = Peer(Gst.parse_launch(PUBLISHED))
    ready = threading.Event()
    peer.bin.connect("on-negotiation-needed", lambda _: ready.set())
    for index in range(2):
        transceiver = peer.bin.emit("get-transceiver", index)
        transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
    peer.play()
    ready.wait(HTTP_TIMEOUT)
    return peer


def player(received, wanted=()):
    """A peer that decodes and counts what it receives."""
    pipeline = Gst.Pipeline.new()
    pipeline.add(Gst.parse_launch("webrtcbin name=peer bundle-policy=max-bundle"))
    peer = Peer(pipeline)

    def on_pad(_bin, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        media = pad.get_current_caps().get_structure(0).get_string("media")
        decoder = Gst.parse_bin_from_description(DECODERS[media], True)
        decoder.get_by_name("sink").connect("handoff", on_buffer, media)
        peer.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def on_buffer(_sink, _buffer, _pad, media):
        received[media] += 1

    peer.bin.connect("pad-added", on_pad)
    for caps in wanted:
        direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
        peer.bin.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
    peer.play()
    return peer


def publish(url, token):
    peer = publisher()
    status, headers, body = send(url, "POST", peer.create("offer"), token)
    if status != 201:
        raise RuntimeError(f"{status}: {body}")
    peer.set_remote(GstWebRTC.WebRTCSDPType.ANSWER, body)
    return peer, headers["Location"]


def play(url, token, received):
    peer = player(received, WANTED)
    status, headers, body = send(url, "POST", peer.create("offer"), token)
    if status == 201:
        peer.set_remote(GstWebRTC.WebRTCSDPType.ANSWER, body)
        return peer, headers["Location"]
    if status != 406 or not headers["Location"]:
        raise RuntimeError(f"{status}: {body}")
    # The server would rather offer itself.
    peer.close()
    peer = player(received)
    peer.set_remote(GstWebRTC.WebRTCSDPType.OFFER, body)
    session = urllib.parse.urljoin(url, headers["Location"])
    status, _, body = send(session, "PATCH", peer.create("answer"), token)
    if status != 204:
        raise RuntimeError(f"{status}: {body}")
    return peer, session


def main(mode, url, token=None):
    Gst.init(None)
    received = {"audio": 0, "video": 0}
    peer, location = publish(url, token) if mode == "publish" else play(url, token, received)
    ended = threading.Event()

    def report():
        while not ended.wait(REPORT_INTERVAL):
            tell(received=received)

    if mode == "play":
        threading.Thread(target=report, daemon=True).start()
    sys.stdin.read()
    ended.set()
    send(urllib.parse.urljoin(url, location), "DELETE", token=token)
    peer.close()


try:
    main(*sys.argv[1:])
except Exception as error:  # pylint: disable=broad-except
    tell(error=f"{type(error).__name__}: {error}")
    sys.exit(1)
