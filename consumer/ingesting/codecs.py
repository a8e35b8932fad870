"""Our names of codecs for what containers call them."""

from types import MappingProxyType

_CODES = {
    "h264": "avc1 avc2 avc3 avc4 h264 x264 davc dva1 dvav vssh ai55 ai15",
    "hevc": "hvc1 hev1 dvh1 dvhe hevc h265 x265",
    "vp8": "vp08 vp80",
    "vp9": "vp09 vp90",
    "av1": "av01",
    "mpeg4": "mp4v fmp4 divx dx50 xvid mp4s m4s2 3ivx rmp4 3iv2 blz0",
    "mjpeg": "jpeg mjpg mjpa mjpb avrn dmb1 ljpg",
    "prores": "apch apcn apcs apco ap4h ap4x",
}
_BY_CODE = MappingProxyType({code: name for name, codes in _CODES.items() for code in codes.split()})
_BY_MATROSKA_ID = MappingProxyType(
    {
        "V_MPEG4/ISO/AVC": "h264",
        "V_MPEGH/ISO/HEVC": "hevc",
        "V_VP8": "vp8",
        "V_VP9": "vp9",
        "V_AV1": "av1",
        "V_MPEG4/ISO/SP": "mpeg4",
        "V_MPEG4/ISO/ASP": "mpeg4",
        "V_MPEG4/ISO/AP": "mpeg4",
        "V_MJPEG": "mjpeg",
        "V_PRORES": "prores",
    }
)
LONGEST = 40


def codec_of_code(code: bytes) -> str:
    """For a four character code, as MP4 and AVI have it; one that we do not know comes back as printable text."""
    return _BY_CODE.get(code.decode("latin-1").lower().strip(), _printable(code))


def codec_of_matroska(codec_id: bytes, private: bytes) -> str:
    """For a Matroska CodecID; `private` is the beginning of its CodecPrivate."""
    name = codec_id.rstrip(b"\0").decode("latin-1")
    if name == "V_MS/VFW/FOURCC" and len(private) >= 20:
        # a BITMAPINFOHEADER
        return codec_of_code(private[16:20])
    return _BY_MATROSKA_ID.get(name, _printable(codec_id))


def _printable(code: bytes) -> str:
    text = code[:LONGEST].decode("latin-1")
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text).strip() or "?"
