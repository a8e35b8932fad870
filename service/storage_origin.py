"""Where browsers meet the bucket: the one other origin that the page may talk to."""

from urllib.parse import urlsplit

from core.settings import Settings


def storage_origin(settings: Settings) -> str:
    """scheme://host[:port] of every address that the bucket's adapter signs, made as the SDK makes it."""
    if settings.aws_endpoint_url:
        parts = urlsplit(settings.aws_endpoint_url)
        return f"{parts.scheme}://{parts.netloc}"
    region = settings.aws_region
    # the oldest region has no name in its addresses
    host = "s3" if region == "us-east-1" else f"s3.{region}"
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    # a dot in the name would not match the host's certificate: such a bucket is addressed by path
    bucket = "" if "." in settings.bucket else f"{settings.bucket}."
    return f"https://{bucket}{host}.{suffix}"
