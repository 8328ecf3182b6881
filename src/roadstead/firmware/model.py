"""The values of this room: a version and its files, a release, an assignment."""

from dataclasses import dataclass
from datetime import datetime

from roadstead.firmware.images.extensions import Dependency
from roadstead.firmware.target_rules import VersionFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file that a version's application expects on the device.

    Attributes:
        name: as the application and the device name it.
        sha256: of its content, hexadecimal.
        blob_key: where it is kept.
    """

    name: str
    size_bytes: int
    sha256: str
    blob_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareVersion:
    """A version of a product's firmware.

    Attributes:
        id: 24 hex digits.
        version: 1 to 65534, as compiled into the application; unique in the product.
        file_name: as it was uploaded.
        size_bytes, sha256, blob_key: of the file as it was uploaded; hexadecimal.
        application_bytes, application_sha256, application_key: of the application itself; of an
            image that is no bundle it is the same file.
        module_sha256: as written in the module; devices report it of what they run.
        crc32: of the application's module.
        platform_id: hardware that it is for.
        dependencies: modules that it needs.
        assets: files that it expects, of a bundle.
        uploaded_by: user id; None once the account is gone.
        released_at: its first release; None while it was never released.
        proven_at: when a device of the product first said hello with it; None until then.
        proven_by: that device.
    """

    id: str
    product_id: int
    version: int
    title: str
    description: str
    mandatory: bool
    file_name: str
    size_bytes: int
    sha256: str
    blob_key: str
    application_bytes: int
    application_sha256: str
    application_key: str
    module_sha256: str
    crc32: int
    platform_id: int
    dependencies: tuple[Dependency, ...]
    assets: tuple[Asset, ...] = ()
    uploaded_at: datetime
    uploaded_by: str | None
    updated_at: datetime
    released_at: datetime | None = None
    proven_at: datetime | None = None
    proven_by: str | None = None

    @property
    def is_bundle(self) -> bool:
        """Whether it brings assets."""
        return self.blob_key != self.application_key

    @property
    def facts(self) -> VersionFacts:
        """What the target decision looks at."""
        return VersionFacts(
            self.application_bytes, self.platform_id, self.dependencies, len(self.assets)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What is released in a product now.

    Attributes:
        default: the product's default version; None for none.
        groups: versions by group id.
        paused: whose release is paused: group ids, an empty one for the default.
    """

    default: int | None = None
    groups: dict[str, int]
    paused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release as it was asked for.

    Attributes:
        id: 24 hex digits.
        groups: names of the groups that it was released to then; None when they were left alone.
        product_default: whether it was made the default; None when that was left alone.
        intelligent: delivered at once to whoever was online.
        override_reason: why it was released without proof; None where there was proof.
    """

    id: str
    product_id: int
    version: int
    groups: tuple[str, ...] | None
    product_default: bool | None
    intelligent: bool
    released_by: str | None
    released_at: datetime
    override_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A version that one device shall run, before what is released to its groups or to all.

    Attributes:
        rollout_id: who assigned it.
        reason: in one word, for explanations: ``rollout``, ``rollback``.
    """

    product_id: int
    device_id: str
    version: int
    rollout_id: str
    reason: str
    assigned_at: datetime
