from tests.service.conftest import http, world

__all__ = ["http", "world"]
