"""A private repository, and an image in it that is known by its content."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.checks import ArgumentError
from components.image import AppImage, AppImageArgs, content_hash, lifecycle_policy
from ecs_policy.ecr_lifecycle import can_expire, parse_policy, tolerated_pushes
from tests.mocks import ACCOUNT, DIGEST, REGION, SECRET, UNKNOWN, Run, run

REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY page /\n")
    (tmp_path / "page").write_text("Hello")
    return tmp_path


def args(context: Path, **changes: Any) -> AppImageArgs:
    values: dict[str, Any] = {
        "repository_name": "shop",
        "version": "1.2.0",
        "context": context,
        "cpu_architecture": "X86_64",
    }
    return AppImageArgs(**values | changes)


def build(context: Path, *, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        image = AppImage("shop", args(context, **changes))
        pulumi.export("uri", image.image_uri)
        pulumi.export("url", image.repository_url)
        pulumi.export("arn", image.repository_arn)
        pulumi.export("tag", image.tag)

    return run(program, preview=preview)


def test_it_makes_a_repository_with_a_lifecycle_and_an_image(context: Path) -> None:
    made = build(context)
    assert made.names == {
        ("h4b:image:AppImage", "shop"),
        ("aws:ecr/repository:Repository", "shop"),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "shop"),
        ("docker:index/image:Image", "shop"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:image:AppImage shop"}


def test_the_repository_is_immutable_scanned_and_encrypted(context: Path) -> None:
    repository = build(context).get("aws:ecr/repository:Repository")
    assert repository.inputs == {
        "name": "shop",
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfigurations": [{"encryptionType": "KMS"}],
        "forceDelete": False,
    }
    assert repository.protect


def test_an_unprotected_repository_goes_with_its_images(context: Path) -> None:
    repository = build(context, deletion_protection=False).get("aws:ecr/repository:Repository")
    assert repository.inputs["forceDelete"] is True
    assert not repository.protect


def test_the_lifecycle_keeps_the_newest_tagged_images_and_clears_untagged_ones(context: Path) -> None:
    lifecycle = build(context, keep_images=42).get("aws:ecr/lifecyclePolicy:LifecyclePolicy")
    assert lifecycle.inputs["repository"] == "shop"
    selections = [rule["selection"] for rule in json.loads(lifecycle.inputs["policy"])["rules"]]
    assert selections == [
        {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14},
        {"tagStatus": "tagged", "tagPatternList": ["*"], "countType": "imageCountMoreThan", "countNumber": 42},
    ]


@given(st.integers(31, 1000))
def test_no_lifecycle_rule_takes_the_running_image_or_one_of_the_ten_releases_before_it(keep_images: int) -> None:
    policy = parse_policy(lifecycle_policy(keep_images))
    assert can_expire(policy, releases_kept=10, tags_are_immutable=True, other_pushes=20) is None
    assert tolerated_pushes(policy, releases_kept=10, tags_are_immutable=True) == keep_images - 11


def test_as_many_images_are_kept_as_ten_rollbacks_need_and_not_one_more(context: Path) -> None:
    assert args(context, keep_images=31).keep_images == 31
    assert can_expire(parse_policy(lifecycle_policy(30)), releases_kept=10, tags_are_immutable=True)
    with pytest.raises(ArgumentError, match="keep_images: got 30, expected a whole number from 31 to 1000"):
        args(context, keep_images=30)


def test_the_image_is_built_from_the_folder_and_pushed_with_the_repositorys_token(context: Path) -> None:
    made = build(context, build_args={"BASE_IMAGE": "ubuntu:24.04"})
    assert made.get("docker:index/image:Image").inputs == {
        "imageName": f"{REGISTRY}/shop:{made.outputs['tag']}",
        "build": {
            "context": context.as_posix(),
            "dockerfile": f"{context.as_posix()}/Dockerfile",
            "platform": "linux/amd64",
            "args": {"BASE_IMAGE": "ubuntu:24.04"},
        },
        "registry": {"server": REGISTRY, "username": "AWS", "password": SECRET},
        "buildOnPreview": False,
        "skipPush": False,
    }
    assert [(token, arguments) for token, arguments, _ in made.calls] == [
        ("aws:ecr/getAuthorizationToken:getAuthorizationToken", {"registryId": ACCOUNT})
    ]


def test_arm64_is_built_for_arm64(context: Path) -> None:
    image = build(context, cpu_architecture="ARM64").get("docker:index/image:Image")
    assert image.inputs["build"]["platform"] == "linux/arm64"


def test_the_image_is_given_by_digest(context: Path) -> None:
    outputs = build(context).outputs
    assert outputs["uri"] == f"{REGISTRY}/shop@{DIGEST}"
    assert outputs["url"] == f"{REGISTRY}/shop"
    assert outputs["arn"] == f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shop"


def test_outputs_are_registered(context: Path) -> None:
    assert build(context).component_outputs == {
        "h4b:image:AppImage shop": {"repositoryUrl", "repositoryArn", "imageUri", "tag"}
    }


def test_a_preview_knows_the_tag_and_asks_for_no_token(context: Path) -> None:
    made = build(context, preview=True)
    assert len(made.names) == 4
    assert made.get("docker:index/image:Image").inputs["imageName"] == UNKNOWN
    assert made.outputs["uri"] == UNKNOWN
    assert made.outputs["tag"] == build(context).outputs["tag"]
    assert made.calls == []


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(Path("nowhere"), repository_name="Shop", version="-1", cpu_architecture="arm64", keep_images=1)
    assert str(refused.value) == (
        "AppImageArgs cannot be used:\n"
        "  - repository_name: got 'Shop', expected 2 to 200 lower-case letters and digits, "
        "separated by single . _ - or /; choose a name that ECR accepts\n"
        "  - version: got '-1', expected 1 to 100 letters, digits, _ . or -, not starting with . or -; "
        "choose a version that can be part of an image tag\n"
        "  - context: got 'nowhere', expected a folder with a Dockerfile; correct the path\n"
        "  - cpu_architecture: got 'arm64', expected one of X86_64, ARM64; "
        "choose the processor that the image is built for\n"
        "  - keep_images: got 1, expected a whole number from 31 to 1000; "
        "fewer could take an image that runs or one of the 10 releases to roll back to"
    )


class TestTag:
    def tag(self, context: Path, **changes: Any) -> str:
        return str(build(context, **changes).outputs["tag"])

    def test_it_is_the_version_and_the_content(self, context: Path) -> None:
        version, digits = self.tag(context).split("-")
        assert version == "1.2.0"
        assert len(digits) == 12
        assert int(digits, 16) >= 0

    def test_it_is_the_same_on_every_machine(self, context: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        for file in context.iterdir():
            (elsewhere / file.name).write_bytes(file.read_bytes())
            (elsewhere / file.name).chmod(file.stat().st_mode)
        assert self.tag(elsewhere) == self.tag(context)

    @pytest.mark.parametrize(
        "changes", [{"version": "1.2.1"}, {"build_args": {"A": "b"}}, {"cpu_architecture": "ARM64"}], ids=str
    )
    def test_it_changes_with_what_the_build_is_told(self, context: Path, changes: dict[str, Any]) -> None:
        assert self.tag(context, **changes) != self.tag(context)

    def test_it_changes_with_a_files_content(self, context: Path) -> None:
        before = self.tag(context)
        (context / "page").write_text("Hello again")
        assert self.tag(context) != before

    def test_it_changes_with_a_files_name(self, context: Path) -> None:
        before = self.tag(context)
        (context / "page").rename(context / "page2")
        assert self.tag(context) != before

    def test_it_changes_with_a_files_mode(self, context: Path) -> None:
        before = self.tag(context)
        (context / "page").chmod(0o755)
        assert self.tag(context) != before

    def test_it_changes_with_where_a_link_leads(self, context: Path) -> None:
        (context / "link").symlink_to("page")
        before = self.tag(context)
        (context / "link").unlink()
        (context / "link").symlink_to("Dockerfile")
        assert self.tag(context) != before

    def test_it_does_not_change_with_the_clock(self, context: Path) -> None:
        before = self.tag(context)
        (context / "page").touch()
        assert self.tag(context) == before

    def test_it_does_not_change_with_what_dockerignore_leaves_out(self, context: Path) -> None:
        (context / ".dockerignore").write_text("# notes\n*.md\n!KEEP.md\nbuild/\n\n")
        before = self.tag(context)
        (context / "NOTES.md").write_text("not sent")
        (context / "build").mkdir()
        (context / "build" / "output").write_text("not sent")
        assert self.tag(context) == before
        (context / "KEEP.md").write_text("sent")
        assert self.tag(context) != before

    def test_the_dockerfile_counts_even_where_dockerignore_leaves_it_out(self, context: Path) -> None:
        (context / ".dockerignore").write_text("Dockerfile\n")
        before = self.tag(context)
        (context / "Dockerfile").write_text("FROM scratch\n")
        assert self.tag(context) != before


@given(
    st.dictionaries(st.text(), st.text(), max_size=3),
    st.dictionaries(st.text(), st.text(), max_size=3),
    st.sampled_from(["linux/amd64", "linux/arm64"]),
    st.sampled_from(["linux/amd64", "linux/arm64"]),
)
def test_two_builds_share_a_hash_only_if_they_are_told_the_same(
    first: dict[str, str], second: dict[str, str], here: str, there: str
) -> None:
    context = Path(__file__).parent.parent.parent / "app_image"
    same = content_hash(context, first, here) == content_hash(context, second, there)
    assert same == (first == second and here == there)
