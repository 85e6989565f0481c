"""aiortc's ICE, DTLS and RTP objects, made from the server's parameters.

mediasoup describes media by parameters instead of SDP (ORTC), and so do aiortc's classes below RTCPeerConnection: their
dataclasses have the fields of the protocol's JSON. What RTCPeerConnection otherwise sets on these classes is done here,
which takes four of their underscored names. The rest of the package uses what aiortc documents.
"""

from __future__ import annotations

import random
from typing import List

from aiortc import (
    MediaStreamTrack,
    RTCCertificate,
    RTCDtlsTransport,
    RTCIceGatherer,
    RTCIceTransport,
    RTCRtcpParameters,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpReceiver,
    RTCRtpSender,
)
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtpDecodingParameters,
    RTCRtpReceiveParameters,
    RTCRtpSendParameters,
)
from aiortc.rtcrtpreceiver import RemoteStreamTrack

from .signalling import Json

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

# What aiortc decodes. Without `video/rtx` lost packets are repeated in the stream that they belong to.
CODECS = ("audio/opus", "video/vp8", "video/h264")
# What it is sent, and sends: negative acknowledgements, key-frame requests, and bandwidth estimates of the receiver.
FEEDBACK = (("nack", ""), ("nack", "pli"), ("goog-remb", ""))
SENT = {"audio": "audio/opus", "video": "video/vp8"}


def create_transport() -> RTCDtlsTransport:
    """This end of a transport of the server: the controlling end of ICE, since the server is an ICE lite agent. aiortc
    makes the controlling end the server of DTLS."""
    ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
    ice._connection.ice_controlling = True
    return RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()])


def create_receiver(kind: str, transport: RTCDtlsTransport) -> RTCRtpReceiver:
    """A receiver with its track, and an SSRC of its own for its reports."""
    receiver = RTCRtpReceiver(kind, transport)
    receiver._track = RemoteStreamTrack(kind=kind)
    receiver._set_rtcp_ssrc(random.randrange(1, 1 << 32))
    return receiver


def ssrc_of(sender: RTCRtpSender) -> int:
    """The SSRC that a sender has chosen."""
    return sender._ssrc


def receive_capabilities(server: Json) -> Json:
    """What this client can receive: the part of the server's capabilities that aiortc has."""
    return {
        "codecs": [
            {**codec, "rtcpFeedback": feedback_of(codec)}
            for codec in server["codecs"]
            if codec["mimeType"].lower() in CODECS
        ],
        "headerExtensions": [
            extension for extension in server["headerExtensions"] if extension["uri"] in (MID, ABS_SEND_TIME)
        ],
    }


def receive_parameters(parameters: Json) -> RTCRtpReceiveParameters:
    """The parameters of a consumer, as `RTCRtpReceiver.receive` takes them."""
    encoding = parameters["encodings"][0]
    codecs = [codec_of(codec) for codec in parameters["codecs"]]
    return RTCRtpReceiveParameters(
        codecs=codecs,
        headerExtensions=[extension_of(one) for one in parameters.get("headerExtensions", [])],
        muxId=parameters.get("mid", ""),
        rtcp=RTCRtcpParameters(cname=parameters.get("rtcp", {}).get("cname"), mux=True),
        encodings=[RTCRtpDecodingParameters(ssrc=encoding["ssrc"], payloadType=codecs[0].payloadType)],
    )


def producer_parameters(track: MediaStreamTrack, ssrc: int, mid: str, cname: str, server: Json) -> Json:
    """The parameters of a producer, with the numbers that the server prefers."""
    codec = next(one for one in server["codecs"] if one["mimeType"].lower() == SENT[track.kind])
    wanted = (MID, ABS_SEND_TIME) if track.kind == "video" else (MID, AUDIO_LEVEL)
    fields = {name: codec[name] for name in ("mimeType", "clockRate", "channels", "parameters") if name in codec}
    return {
        "mid": mid,
        "codecs": [{**fields, "payloadType": codec["preferredPayloadType"], "rtcpFeedback": feedback_of(codec)}],
        "headerExtensions": [
            {"uri": one["uri"], "id": one["preferredId"]}
            for one in server["headerExtensions"]
            if one["kind"] == track.kind and one["uri"] in wanted
        ],
        "encodings": [{"ssrc": ssrc}],
        "rtcp": {"cname": cname},
    }


def send_parameters(parameters: Json) -> RTCRtpSendParameters:
    """The same, as `RTCRtpSender.send` takes them."""
    return RTCRtpSendParameters(
        codecs=[codec_of(codec) for codec in parameters["codecs"]],
        headerExtensions=[extension_of(one) for one in parameters["headerExtensions"]],
        muxId=parameters["mid"],
        rtcp=RTCRtcpParameters(cname=parameters["rtcp"]["cname"], mux=True),
    )


def codec_of(codec: Json) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(
        mimeType=codec["mimeType"],
        clockRate=codec["clockRate"],
        channels=codec.get("channels"),
        payloadType=codec["payloadType"],
        rtcpFeedback=[RTCRtcpFeedback(one["type"], one.get("parameter")) for one in codec.get("rtcpFeedback", [])],
        parameters=codec.get("parameters", {}),
    )


def extension_of(extension: Json) -> RTCRtpHeaderExtensionParameters:
    return RTCRtpHeaderExtensionParameters(id=extension["id"], uri=extension["uri"])


def feedback_of(codec: Json) -> List[Json]:
    return [one for one in codec.get("rtcpFeedback", []) if (one["type"], one.get("parameter", "")) in FEEDBACK]
