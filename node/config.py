"""The settings of a node: the model of `config/node.toml`, which documents each with its default.

An unknown key is an error, because a misspelt limit protects nothing. `BRA_<SECTION>__<KEY>` in the environment
overrides the file.
"""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from node.errors import HomeError, InputError
from node.protocol.messages import LONGEST_LIFE
from node.protocol.names import NodeId

_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_NodeId = Annotated[NodeId, Field(pattern=r"^bra1[a-z2-7]{32}$")]

_Many = Annotated[int, Field(ge=1, le=1_000_000)]
_Origin = Annotated[str, Field(pattern=r"^https?://[a-z0-9.:\[\]-]{1,250}$")]


def _network(text: str) -> str:
    ip_network(text)
    return text


_Network = Annotated[str, AfterValidator(_network)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Node(_Section):
    network: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")] = "bra"
    url: Annotated[str, Field(pattern=r"^(https?://[^\s]{1,190})?$")] = ""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8470
    security_contact: Annotated[str, Field(max_length=200)] = ""


class Agreement(_Section):
    recognised: tuple[_Hash, ...] = ()


class Trust(_Section):
    depth: Annotated[int, Field(ge=1, le=32)] = 4
    vouches_listed: Annotated[int, Field(ge=1, le=100)] = 1
    vouches_honoured: Annotated[int, Field(ge=1, le=100)] = 2
    introductions: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    grace_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    honoured: tuple[_NodeId, ...] = ()
    blocked: tuple[_NodeId, ...] = ()


class Federation(_Section):
    outbound_only: bool = False
    poll_seconds: Annotated[int, Field(ge=1, le=60)] = 25
    beat_hours: Annotated[int, Field(ge=6, le=24)] = 12
    retry_first_seconds: Annotated[float, Field(gt=0, le=3600)] = 1.0
    retry_longest_seconds: Annotated[float, Field(gt=0, le=86_400)] = 900.0


class Directory(_Section):
    kinds: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")], ...] = ()


class Limits(_Section):
    records_per_author: Annotated[int, Field(ge=10_000)] = 50_000
    bytes_per_author: Annotated[int, Field(ge=50_000_000)] = 100_000_000
    requests_per_peer: Annotated[int, Field(ge=2)] = 8
    requests: Annotated[int, Field(ge=8)] = 256
    request_seconds: Annotated[int, Field(ge=5)] = 120
    connections: Annotated[int, Field(ge=16)] = 2_000
    idle_seconds: Annotated[int, Field(ge=5)] = 60


class Photos(_Section):
    own_bytes: Annotated[int, Field(ge=0)] = 500_000_000
    others_bytes: Annotated[int, Field(ge=0)] = 200_000_000
    per_author: Annotated[int, Field(ge=1)] = 500


class Api(_Section):
    reads: _Many = 600
    searches: _Many = 120
    writes: _Many = 120
    public_reads: _Many = 300
    public_searches: _Many = 60
    refused_tokens: _Many = 10
    trusted_proxies: tuple[_Network, ...] = ()
    cors_origins: tuple[_Origin, ...] = ()


class Oidc(_Section):
    issuer: Annotated[str, Field(max_length=500)] = ""
    audience: Annotated[str, Field(max_length=500)] = ""
    client_id: Annotated[str, Field(max_length=500)] = ""
    client_secret_file: Annotated[str, Field(max_length=1000)] = ""
    scope: Annotated[str, Field(pattern=r"^([!#-\[\]-~]+ )*openid( [!#-\[\]-~]+)*$", max_length=500)] = "openid"
    role_claim: Annotated[str, Field(min_length=1, max_length=200)] = "groups"
    roles: Annotated[dict[str, Literal["member", "desk", "operator"]], Field(max_length=100)] = {}


class Desk(_Section):
    stale_hours: Annotated[int, Field(ge=1, le=336)] = 72
    replay: Literal["refuse", "note"] = "refuse"


class Mail(_Section):
    host: Annotated[str, Field(max_length=253)] = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: Annotated[str, Field(max_length=254)] = ""
    password_file: Annotated[str, Field(max_length=1000)] = ""
    sender: Annotated[str, Field(pattern=r"^([^\s@<>,;:\"]{1,64}@[A-Za-z0-9.-]{1,189})?$")] = ""


class Roaming(_Section):
    # What is said of a visit may be on its way for so long.
    keep_days: Annotated[int, Field(ge=LONGEST_LIFE // 86_400, le=3_650)] = 90


class Log(_Section):
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(BaseSettings):
    """Every setting, each section a table of the file."""

    model_config = SettingsConfigDict(env_prefix="BRA_", env_nested_delimiter="__", extra="forbid", frozen=True)

    node: Node = Node()
    agreement: Agreement = Agreement()
    trust: Trust = Trust()
    federation: Federation = Federation()
    directory: Directory = Directory()
    limits: Limits = Limits()
    photos: Photos = Photos()
    api: Api = Api()
    oidc: Oidc = Oidc()
    desk: Desk = Desk()
    mail: Mail = Mail()
    roaming: Roaming = Roaming()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(path: Path) -> Config:
    """The settings in the file at `path`; InputError, naming the key, where one can't be used."""

    class FromFile(Config):
        model_config = SettingsConfigDict(toml_file=path)

    if not path.is_file():
        raise HomeError(f"{path} is missing: copy the example from the project's config/ folder and set it anew")
    try:
        return FromFile()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {key}: {first['msg'].lower()}: see the comments in the example beside it") from error
    except ValueError as error:
        raise InputError(f"{path} is not TOML: {error}") from error
