"""The local `docker:index/image:Image`: what it accepts, what counts as a change, and what a preview says."""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import grpc
import pulumi_docker
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi._types import input_type_py_to_pulumi_names
from pulumi.runtime.proto import provider_pb2

from local.providers import docker as local_docker
from local.providers.docker import BuildPaths, DockerProvider, changes, context_digest
from local.providers.server import ProviderError
from local.providers.values import UNKNOWN, from_struct, to_struct

URN = "urn:pulumi:local::h4b::docker:index/image:Image::app"
NAME = "localhost:4566/ecr-h4b-helloworld:0.0.1"


class RefusedError(Exception):
    """What the engine would show the user."""


class Context:
    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise RefusedError(details)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program's folder with a build context `app`; no Docker daemon can be reached."""
    monkeypatch.setenv("LOCAL_PROGRAM_DIR", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker.sock")
    monkeypatch.delenv("LOCAL_BASE_IMAGES", raising=False)
    app = tmp_path / "app"
    app.mkdir()
    (app / "Dockerfile").write_text("FROM scratch\nCOPY index.html /\n")
    (app / "index.html").write_text("Hello World!")
    return tmp_path


def image(**inputs: Any) -> dict[str, Any]:
    return {"imageName": NAME, "build": {"context": "app", "platform": "linux/amd64"}, **inputs}


def check(inputs: Mapping[str, Any], urn: str = URN) -> provider_pb2.CheckResponse:
    request = provider_pb2.CheckRequest(urn=urn, news=to_struct(inputs))
    return DockerProvider().Check(request, Context())


def failures(inputs: Mapping[str, Any]) -> list[str]:
    return [failure.reason for failure in check(inputs).failures]


def recorded(inputs: Mapping[str, Any]) -> dict[str, Any]:
    response = check(inputs)
    assert not response.failures
    return from_struct(response.inputs)


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, int]:
    request = provider_pb2.DiffRequest(urn=URN, old_inputs=to_struct(old), news=to_struct(new))
    response = DockerProvider().Diff(request, Context())
    assert (response.changes == provider_pb2.DiffResponse.DIFF_SOME) == bool(response.detailedDiff)
    assert not response.replaces
    return {path: change.kind for path, change in response.detailedDiff.items()}


def preview(inputs: Mapping[str, Any]) -> dict[str, Any]:
    request = provider_pb2.CreateRequest(urn=URN, properties=to_struct(inputs), preview=True)
    return from_struct(DockerProvider().Create(request, Context()).properties)


class TestCheck:
    def test_writes_the_host_platform_out_when_none_is_given(self, program: Path) -> None:
        assert recorded(image(build={"context": "app"}))["build"]["platform"] == local_docker.host_platform()

    def test_builds_the_program_folder_when_no_build_is_given(self, program: Path) -> None:
        (program / "Dockerfile").write_text("FROM scratch\n")
        assert set(recorded({"imageName": NAME})["build"]) == {"platform", "contextDigest"}

    def test_reports_every_unknown_property_and_wrong_type_at_once(self, program: Path) -> None:
        assert failures(
            {"imageName": [7], "labels": {}, "skipPush": True, "build": {"args": "A=1", "target": "x"}}
        ) == [
            'build.args: got "A=1", expected a map; give keys and values',
            'build.target: got "x", expected one of args, context, contextDigest, dockerfile, platform; '
            "remove it, or teach it to the local provider (local/providers)",
            "imageName: got [7], expected a string; change it",
            "labels: got {}, expected one of build, buildOnPreview, imageName, registry, skipPush; "
            "remove it, or teach it to the local provider (local/providers)",
            "skipPush: got true, expected one of False; choose one of them",
        ]

    def test_never_shows_credentials(self, program: Path) -> None:
        reasons = failures(image(registry={"password": ["hunter2"], "token": "hunter2"}))
        assert len(reasons) == 2
        assert "hunter2" not in "".join(reasons)

    def test_wants_a_name(self, program: Path) -> None:
        assert failures({"build": {"context": "app"}}) == ["imageName: got nothing, expected a string; add it"]

    def test_wants_the_registry_in_the_name_of_an_image_to_push(self, program: Path) -> None:
        assert failures(image(imageName="h4b:1")) == [
            'imageName: got "h4b:1", expected a fully qualified name, <registry>/<repository>[:tag]; '
            "put the registry in front"
        ]

    def test_knows_the_path_the_user_meant_when_the_dockerfile_is_named_from_the_context(self, program: Path) -> None:
        assert failures(image(build={"context": "app", "dockerfile": "Dockerfile"})) == [
            'build.dockerfile: got "Dockerfile", expected a Dockerfile that exists; '
            'relative paths start at the program: set it to "app/Dockerfile"'
        ]

    @pytest.mark.parametrize(
        ("build", "argument"),
        [
            ({"context": "nowhere"}, "build.context"),
            ({"context": "app", "dockerfile": "app/Containerfile"}, "build.dockerfile"),
        ],
    )
    def test_names_the_argument_that_is_wrong(self, program: Path, build: dict[str, Any], argument: str) -> None:
        assert [reason.partition(":")[0] for reason in failures(image(build=build))] == [argument]

    def test_unknown_inputs_stay_unknown_and_hide_no_other_problem(self, program: Path) -> None:
        assert recorded(image(imageName=UNKNOWN))["imageName"] is UNKNOWN
        assert recorded(image(build={"context": UNKNOWN}))["build"]["contextDigest"] is UNKNOWN
        assert len(failures(image(imageName=UNKNOWN, build={"context": "nowhere"}))) == 1

    def test_has_no_other_type(self, program: Path) -> None:
        with pytest.raises(
            RefusedError, match="has docker:index/image:Image only, not docker:index/container:Container"
        ):
            check({}, urn="urn:pulumi:local::h4b::docker:index/container:Container::app")

    def test_finds_its_type_below_a_parent(self, program: Path) -> None:
        assert not check(
            image(), urn="urn:pulumi:local::h4b::h4b:image:AppImage$docker:index/image:Image::app"
        ).failures


class TestDiff:
    def test_the_same_program_is_no_change(self, program: Path) -> None:
        assert diff(recorded(image()), recorded(image(skipPush=False, buildOnPreview=False))) == {}

    def test_an_edited_file_is_an_update(self, program: Path) -> None:
        before = recorded(image())
        (program / "app/index.html").write_text("Hello again!")
        assert diff(before, recorded(image())) == {"build.contextDigest": provider_pb2.PropertyDiff.UPDATE}

    def test_fresh_registry_credentials_are_no_change(self, program: Path) -> None:
        def login(password: str) -> dict[str, Any]:
            return image(registry={"server": "localhost:4566", "username": "AWS", "password": password})

        assert diff(recorded(login("old")), recorded(login("new"))) == {}

    def test_another_registry_is_an_update(self, program: Path) -> None:
        old, new = image(registry={"server": "localhost:1"}), image(registry={"server": "localhost:2"})
        assert diff(recorded(old), recorded(new)) == {"registry.server": provider_pb2.PropertyDiff.UPDATE}

    def test_a_name_not_known_yet_is_an_update(self, program: Path) -> None:
        assert diff(recorded(image()), recorded(image(imageName=UNKNOWN))) == {
            "imageName": provider_pb2.PropertyDiff.UPDATE
        }

    def test_added_and_removed_arguments_are_told_apart(self, program: Path) -> None:
        plain, argued = (
            recorded(image()),
            recorded(image(build={"context": "app", "platform": "linux/amd64", "args": {}})),
        )
        assert diff(plain, argued) == {"build.args": provider_pb2.PropertyDiff.ADD}
        assert diff(argued, plain) == {"build.args": provider_pb2.PropertyDiff.DELETE}

    def test_ignored_changes_are_ignored(self) -> None:
        old, new = {"build": {"contextDigest": "1", "target": "a"}}, {"build": {"contextDigest": "2", "target": "b"}}
        assert changes(old, new, ["build.contextDigest"]) == {"build.target": "update"}
        assert changes(old, new, ["build"]) == {}


class TestContextDigest:
    @staticmethod
    def of(program: Path, **build: str) -> str:
        return context_digest(BuildPaths.of({"context": "app", **build}))

    def test_ignores_what_dockerignore_ignores(self, program: Path) -> None:
        (program / "app/.dockerignore").write_text("# notes\n*.md\n!README.md\n\n")
        before = self.of(program)
        (program / "app/notes.md").write_text("draft")
        assert self.of(program) == before
        (program / "app/README.md").write_text("shipped")
        assert self.of(program) != before

    def test_sees_the_dockerfile_even_when_it_is_ignored(self, program: Path) -> None:
        (program / "app/.dockerignore").write_text("Dockerfile\n")
        before = self.of(program)
        (program / "app/Dockerfile").write_text("FROM scratch\n")
        assert self.of(program) != before

    def test_sees_a_dockerfile_outside_the_context_and_its_own_ignore_file(self, program: Path) -> None:
        (program / "other.Dockerfile").write_text("FROM scratch\n")
        (program / "other.Dockerfile.dockerignore").write_text("index.html\n")
        before = self.of(program, dockerfile="other.Dockerfile")
        (program / "app/index.html").write_text("changed")
        assert self.of(program, dockerfile="other.Dockerfile") == before
        (program / "other.Dockerfile").write_text("FROM scratch\nUSER 1\n")
        assert self.of(program, dockerfile="other.Dockerfile") != before

    def test_sees_names_modes_and_link_targets(self, program: Path) -> None:
        app = program / "app"
        seen = [self.of(program)]
        (app / "index.html").rename(app / "home.html")
        seen.append(self.of(program))
        (app / "home.html").chmod(0o755)
        seen.append(self.of(program))
        (app / "link").symlink_to("home.html")
        seen.append(self.of(program))
        (app / "link").unlink()
        (app / "link").symlink_to("gone.html")
        seen.append(self.of(program))
        assert len(set(seen)) == len(seen)


class TestPreview:
    def test_tells_what_is_known_and_needs_no_daemon(self, program: Path) -> None:
        inputs = recorded(image(registry={"server": "localhost:4566"}))
        assert preview(inputs) == {
            "imageName": NAME,
            "baseImageName": NAME,
            "registryServer": "localhost:4566",
            "repoDigest": UNKNOWN,
            "context": "app",
            "dockerfile": "Dockerfile",
            "platform": "linux/amd64",
        }

    def test_a_name_not_known_yet_stays_unknown(self, program: Path) -> None:
        outputs = preview(recorded(image(imageName=UNKNOWN)))
        assert outputs["imageName"] is UNKNOWN
        assert outputs["baseImageName"] is UNKNOWN

    def test_may_name_a_registry_elsewhere(self, program: Path) -> None:
        name = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/app:1"
        assert preview(recorded(image(imageName=name)))["imageName"] == name


class TestUpdateIsRefused:
    @staticmethod
    def create(inputs: Mapping[str, Any]) -> None:
        DockerProvider().Create(provider_pb2.CreateRequest(urn=URN, properties=to_struct(inputs)), Context())

    def test_when_the_registry_is_not_on_this_machine(self, program: Path) -> None:
        name = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/app:1"
        with pytest.raises(RefusedError) as refused:
            self.create(recorded(image(imageName=name)))
        assert str(refused.value) == (
            f"imageName: got '{name}', expected a registry on this machine such as localhost:4566; "
            "the local docker provider pushes nowhere else, deploy to AWS with the official plugins"
        )

    def test_when_no_docker_daemon_answers(self, program: Path) -> None:
        with pytest.raises(RefusedError) as refused:
            self.create(recorded(image()))
        assert str(refused.value) == (
            f"no Docker daemon answers at unix://{program}/no-docker.sock: No such file or directory; "
            "start Docker and try again"
        )


class TestImageNames:
    @pytest.mark.parametrize(
        ("name", "registry", "repository"),
        [
            ("localhost:4566/a/b:1", "localhost:4566", "localhost:4566/a/b"),
            ("localhost/a", "localhost", "localhost/a"),
            ("docker.io/a/b:1@sha256:00", "docker.io", "docker.io/a/b"),
            ("[::1]:5000/a:1", "[::1]:5000", "[::1]:5000/a"),
            ("library/ubuntu:24.04", None, "library/ubuntu"),
            ("ubuntu", None, "ubuntu"),
        ],
    )
    def test_are_taken_apart_as_docker_does(self, name: str, registry: str | None, repository: str) -> None:
        assert local_docker.registry_of(name) == registry
        assert local_docker.repository_of(name) == repository

    @given(
        host=st.sampled_from(["localhost", "registry.localhost", "127.0.0.1", "127.8.8.8", "[::1]"]),
        port=st.none() | st.integers(1, 65535),
    )
    def test_on_this_machine(self, host: str, port: int | None) -> None:
        assert local_docker.is_loopback(host if port is None else f"{host}:{port}")

    @given(
        host=st.sampled_from(
            [
                "docker.io",
                "localhost.example.com",
                "10.0.0.1",
                "0.0.0.0",
                "[::2]",
                "host.docker.internal",
                "notlocalhost",
            ]
        ),
        port=st.none() | st.integers(1, 65535),
    )
    def test_elsewhere(self, host: str, port: int | None) -> None:
        assert not local_docker.is_loopback(host if port is None else f"{host}:{port}")


class TestBaseImage:
    SUBSTITUTES = json.dumps({"ubuntu:24.04": "h4b-base:local"})

    @pytest.mark.parametrize(
        ("args", "dockerfile", "expected"),
        [
            ({"BASE_IMAGE": "ubuntu:24.04"}, "ARG BASE_IMAGE=ubuntu:18.04", ("ubuntu:24.04", "h4b-base:local")),
            ({}, 'ARG BASE_IMAGE="ubuntu:24.04"\nFROM ${BASE_IMAGE}', ("ubuntu:24.04", "h4b-base:local")),
            ({"BASE_IMAGE": "ubuntu:18.04"}, "ARG BASE_IMAGE=ubuntu:24.04", None),
            ({}, "FROM ubuntu:24.04", None),
        ],
    )
    def test_is_replaced_where_this_machine_has_a_substitute(
        self, monkeypatch: pytest.MonkeyPatch, args: dict[str, str], dockerfile: str, expected: tuple[str, str] | None
    ) -> None:
        monkeypatch.setenv("LOCAL_BASE_IMAGES", self.SUBSTITUTES)
        assert local_docker.substituted_base(args, dockerfile) == expected

    @pytest.mark.parametrize("text", ["ubuntu", "[]", '{"a": 1}'])
    def test_substitutes_that_cannot_be_read_are_named(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv("LOCAL_BASE_IMAGES", text)
        with pytest.raises(ProviderError, match=r"^LOCAL_BASE_IMAGES: got .* expected a JSON map of image names"):
            local_docker.base_image_substitutes()


class TestFailedBuild:
    @staticmethod
    def failure(output: list[str], error: str) -> str:
        transcript = local_docker._Transcript()
        for text in output:
            transcript.add(text)
        return transcript.failure(error)

    def test_shows_the_failing_step_and_its_last_lines_only(self) -> None:
        output = ["Step 1/2 : FROM scratch\n", "earlier\n", "Step 2/2 : RUN make\n", " ---> Running in 0a1b\n"]
        output += [f"line {number}\n" for number in range(30)]
        lines = self.failure(output, "The command '/bin/sh -c make' returned a non-zero code: 2").splitlines()
        assert lines[0] == (
            "docker build failed at `Step 2/2 : RUN make`: The command '/bin/sh -c make' returned a non-zero code: 2"
        )
        assert lines[1:] == [f"  line {number}" for number in range(10, 30)]

    def test_says_that_a_base_image_could_not_be_pulled(self) -> None:
        message = self.failure(["Step 1/2 : FROM nosuch:1\n"], "pull access denied for nosuch")
        assert message == (
            "docker build failed at `Step 1/2 : FROM nosuch:1`: pull access denied for nosuch; "
            "the base image is not on this machine and could not be pulled: check its name and the network"
        )


def test_a_setting_of_the_provider_is_refused() -> None:
    request = provider_pb2.CheckRequest(news=to_struct({"host": "unix:///x", "version": "4"}))
    assert [failure.reason for failure in DockerProvider().CheckConfig(request, Context()).failures] == [
        "docker:host: got a setting, expected none, as the local docker provider uses the engine that DOCKER_HOST or "
        "the current docker context names; remove it",
    ]


@pytest.mark.parametrize(
    ("sdk_type", "known"),
    [
        (pulumi_docker.ImageArgs, set(local_docker.IMAGE)),
        (pulumi_docker.DockerBuildArgs, set(local_docker.BUILD) - {"contextDigest"}),
        (pulumi_docker.RegistryArgs, set(local_docker.REGISTRY)),
    ],
)
def test_every_argument_is_one_of_the_sdk(sdk_type: type, known: set[str]) -> None:
    assert known <= set(input_type_py_to_pulumi_names(sdk_type).values())
