"""Videos and sound: packets are copied into a new container that takes along nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream
from PIL import Image

from storage.unfit import Unfit

# Demuxers that read nothing but the file itself; playlists of libav could open addresses and other files.
FORMATS = "mov,matroska,webm,ogg,mp3,wav,flac,aac,amr"
MP4_VIDEO = {"h264", "hevc", "av1", "mpeg4"}
WEBM_VIDEO = {"vp8", "vp9"}
MP4_SOUND = {"aac", "mp3"}
WEBM_SOUND = {"opus", "vorbis"}

# Supplemental units of H.264 and HEVC hold what the camera pleases: times, places, settings of the encoder.
FREE_TEXT_UNITS = {"h264": "filter_units=remove_types=6", "hevc": "filter_units=remove_types=39|40"}

MOST_STREAMS = 16
FILES = {
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "aac": "audio/aac",
}


def _open(path: Path) -> InputContainer:
    return av.open(f"file:{path}", "r", options={"format_whitelist": FORMATS, "protocol_whitelist": "file"})


def open_recording(path: Path) -> "Recording | None":
    """The recording in this file; None when it is none of ours. Raises Unfit."""
    try:
        container = _open(path)
    except (av.InvalidDataError, av.ArgumentError, av.EOFError, av.DemuxerNotFoundError) as error:
        if _box_beyond_end(path):
            raise Unfit("truncated", "the index of the recording is missing") from error
        return None
    except av.FFmpegError as error:
        raise Unfit("damaged", str(error)) from error
    return Recording(container, path)


class Recording:
    """One video or sound file, opened. Close it by `with`."""

    def __init__(self, container: InputContainer, path: Path) -> None:
        self._container = container
        self._path = path
        self._video: VideoStream | None = next(
            (s for s in container.streams.video if not s.disposition & Disposition.attached_pic), None
        )
        self._audio: AudioStream | None = next(iter(container.streams.audio), None)
        family = container.format.name.split(",")[0]
        kind = "video" if self._video else "audio"
        self.found_mime = FILES.get(family) or (
            f"{kind}/mp4"
            if family == "mov"
            else f"{kind}/webm"
            if family == "matroska"
            else f"{kind}/{family}"
        )
        self.captured_at = _captured_at(container.metadata)
        self._muxer, self.clean_mime = self._target()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def check(self, most_frame_pixels: int, most_video_s: float, most_audio_s: float) -> None:
        """Raises Unfit for what should not even be decoded."""
        if not self._video and not self._audio:
            raise Unfit("not_a_medium", "neither picture nor sound in it")
        if len(self._container.streams) > MOST_STREAMS:
            raise Unfit("damaged", f"{len(self._container.streams)} streams")
        if _box_beyond_end(self._path):
            raise Unfit("truncated", "the file ends before its content")
        if self._video:
            if self._video.width * self._video.height > most_frame_pixels:
                raise Unfit("too_many_pixels", f"{self._video.width} x {self._video.height}")
            if _codec(self._video) not in MP4_VIDEO | WEBM_VIDEO:
                raise Unfit("codec_not_supported", _codec(self._video))
        if self._declared_s > (most_video_s if self._video else most_audio_s):
            raise Unfit("too_long", f"{self._declared_s:.0f} s")

    def first_frame(self) -> Image.Image | None:
        """The first frame as it is seen, long side at most 2560; None for sound. Raises Unfit."""
        if self._video is None:
            return None
        # Opened a second time: after seeking back, some containers do not give their first key frame again.
        with _decoding(), _open(self._path) as container:
            video = container.streams[self._video.index]
            assert isinstance(video, VideoStream)
            video.codec_context.thread_count = 1
            for frame in container.decode(video):
                picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
                return picture.rotate(frame.rotation, expand=True)
        raise Unfit("damaged", "not one frame can be seen")

    def write_clean(self, path: Path, sound: bool = True) -> float:
        """Write the copy, with or without its sound, and return its length in seconds. Raises Unfit."""
        start, end = float("inf"), 0.0
        with (
            _decoding(),
            av.open(str(path), "w", format=self._muxer, options=_muxer_options(self._muxer)) as copy,
        ):
            streams = (self._video, self._audio if sound else None)
            tracks = [_Track(copy, stream, self._muxer) for stream in streams if stream]
            by_index = {track.source.index: track for track in tracks}
            for packet in self._container.demux(*[track.source for track in tracks]):
                if not packet.size:  # the empty packet at the end
                    continue
                if packet.pts is not None and packet.time_base:
                    start = min(start, float(packet.pts * packet.time_base))
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                by_index[packet.stream.index].write(packet)
            for track in tracks:
                track.finish()
        length = max(0.0, end - start)
        if not length:
            raise Unfit("damaged", "there is nothing in it")
        if self._declared_s - length > max(1.0, 0.05 * self._declared_s):
            raise Unfit("truncated", f"{length:.0f} s of {self._declared_s:.0f} s")
        return round(length, 3)

    @property
    def _declared_s(self) -> float:
        """Seconds the file says it lasts; 0 when it does not say (a browser's recording)."""
        return (self._container.duration or 0) / 1_000_000

    def _target(self) -> tuple[str, str]:
        """Muxer and media type of the clean copy: what browsers play."""
        if self._video:
            return ("webm", "video/webm") if _codec(self._video) in WEBM_VIDEO else ("mp4", "video/mp4")
        sound = _codec(self._audio) if self._audio else ""
        if sound == "mp3":
            return "mp3", "audio/mpeg"
        return ("webm", "audio/webm") if sound in WEBM_SOUND else ("mp4", "audio/mp4")


class _Track:
    """One stream on its way into the copy: packets as they are where browsers play them, else sound anew."""

    def __init__(self, copy: OutputContainer, source: VideoStream | AudioStream, muxer: str) -> None:
        self.source = source
        self._copy = copy
        self._filter: BitStreamFilterContext | None = None
        self._encoder: AudioStream | None = None
        self._early: list[Packet[Any]] = []
        codec = _codec(source)
        if isinstance(source, AudioStream) and codec not in (WEBM_SOUND if muxer == "webm" else MP4_SOUND):
            name = "libopus" if muxer == "webm" else "aac"
            rate = 48000 if muxer == "webm" else source.rate
            self._encoder = cast(AudioStream, copy.add_stream(name, rate=rate))
            # Not the source's own layout: a WAV does not name one. More than two channels are mixed down.
            self._encoder.layout = "mono" if source.channels == 1 else "stereo"
            self._target: VideoStream | AudioStream = self._encoder
        else:
            self._target = copy.add_stream_from_template(source)
            if codec in FREE_TEXT_UNITS:
                self._filter = BitStreamFilterContext(FREE_TEXT_UNITS[codec], source, self._target)
        self._target.metadata.clear()

    def write(self, packet: "Packet[Any]") -> None:
        if self._encoder is not None:
            for frame in packet.decode():
                self._copy.mux(self._encoder.encode(cast(AudioFrame, frame)))
        elif self._filter is not None:
            self._mux(self._filter.filter(packet))
        else:
            self._mux([packet])

    def finish(self) -> None:
        if self._encoder is not None:
            self._copy.mux(self._encoder.encode(None))
        elif self._filter is not None:
            self._mux(self._filter.filter(None))
        if self._early:
            self._mux_early(self._early[0].pts or 0, 1)

    def _mux(self, packets: "list[Packet[Any]]") -> None:
        for packet in packets:
            packet.stream = self._target
            if packet.dts is None:
                self._early.append(packet)
                continue
            self._mux_early(packet.dts, packet.duration or 1)
            self._copy.mux(packet)

    def _mux_early(self, dts: int, step: int) -> None:
        """Matroska does not tell when its first packets are to be decoded: count back from the first that is told."""
        for ahead, packet in zip(range(len(self._early), 0, -1), self._early, strict=True):
            packet.dts = dts - ahead * step
            self._copy.mux(packet)
        self._early.clear()


def _codec(stream: VideoStream | AudioStream) -> str:
    return stream.codec.canonical_name


def _muxer_options(muxer: str) -> dict[str, str]:
    """Without the muxer's own signature; the index of an MP4 first, so that it plays while it loads."""
    options = {"fflags": "+bitexact"}
    if muxer == "mp4":
        options["movflags"] = "+faststart"
    if muxer == "mp3":
        options |= {"id3v2_version": "0", "write_xing": "0"}
    return options


@contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except av.FFmpegError as error:
        raise Unfit("damaged", str(error)) from error


def _captured_at(metadata: dict[str, str]) -> datetime | None:
    """The moment of recording as the phone wrote it; None where it is missing or nonsense (1904, 1970)."""
    for name in ("com.apple.quicktime.creationdate", "creation_time", "date"):
        try:
            moment = datetime.fromisoformat(metadata[name])
        except (KeyError, ValueError):
            continue
        if moment.tzinfo and moment.year >= 2000:
            return moment
    return None


def _box_beyond_end(path: Path) -> bool:
    """Whether a file of boxes (MP4, MOV) ends within one of them: it was cut short."""
    size = path.stat().st_size
    with path.open("rb") as source:
        if source.read(8)[4:8] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return False
        at = 0
        while at + 8 <= size:
            source.seek(at)
            head = source.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if length == 0:  # to the end of the file
                return False
            if length < 8 or at + length > size:
                return at + length > size
            at += length
        return False
