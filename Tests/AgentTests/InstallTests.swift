import Agent
import Automata
import Foundation
import Subprocess
import Testing

/// Runs a shell text that must succeed; gives its output.
@discardableResult
func shell(_ text: String) async throws -> String {
    let result = try await Subprocess.run(
        .name("sh"), arguments: ["-e", "-c", text], output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    #expect(result.terminationStatus.isSuccess, "\(text): \(result.standardError)")
    return result.standardOutput
}

extension AgentTests {
    /// How a release gets onto the disk, and what is said when it does not.
    @Suite struct Installing {
        static func built(_ version: String, _ build: String) -> String {
            """
            name: built
            version: "\(version)"
            source:
              build: |
            \(build.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
            types:
              main:
                command: [program]
                publish: {directory: "${release.directory}"}
            """
        }

        static let program = """
            mkdir bin
            printf '#!/bin/sh\\necho version VERSION; exec sleep 1000\\n' > bin/program
            chmod 755 bin/program
            id -un > builder
            """

        @Test("two versions stand side by side, built by an ordinary user, owned by none")
        func twoVersions() async throws {
            try await Workshop.use("versions", partitions: 2) { workshop, host in
                for (index, version) in ["1.0", "2.0"].enumerated() {
                    let text = Self.built(version, Self.program.replacing("VERSION", with: version))
                    await host.apply(workshop.order(text, partition: index))
                }
                for (index, version) in ["1.0", "2.0"].enumerated() {
                    let claim = workshop.claim(partition: index)
                    let directory = try Published(await host.reach(.running, claim)).value("directory")
                    #expect(directory.contains("/releases/built-\(version)-"))
                    let said = try await eventually {
                        let bytes = try await host.logs(of: claim, stream: .stdout, offset: 0, limit: 100).bytes
                        return bytes == Array("version \(version)\n".utf8)
                    }
                    #expect(said)
                    let builder = try String(contentsOfFile: "\(directory)/builder", encoding: .utf8)
                    #expect(builder.hasPrefix("palmier-"))
                    let owner = try FileManager.default.attributesOfItem(atPath: "\(directory)/builder")
                    #expect(owner[.ownerAccountName] as? String == "root")
                }
            }
        }

        @Test("a release that several partitions need at once is built once")
        func once() async throws {
            try await Workshop.use("once", partitions: 3) { workshop, host in
                let count = "\(workshop.state)/count"
                try await shell("touch \(count); chmod 666 \(count)")
                let text = Self.built("1", "echo x >> \(count)\nsleep 0.3\n" + Self.program)
                for index in 0..<3 { await host.apply(workshop.order(text, partition: index)) }
                for index in 0..<3 { try await host.reach(.running, workshop.claim(partition: index)) }
                #expect(try String(contentsOfFile: count, encoding: .utf8) == "x\n")
            }
        }

        @Test("a build that fails gives its log's end as the reason, and keeps the whole log")
        func failingBuild() async throws {
            try await Workshop.use("failing") { workshop, host in
                await host.apply(workshop.order(Self.built("1", "echo compiling\necho missing header >&2\nexit 7")))
                let status = try await host.reach(.failed, workshop.claim())
                #expect(status.reason.contains("the build script ended with status 7"))
                #expect(status.reason.contains("compiling\nmissing header"))
                let path = try #require(status.reason.firstMatch(of: #/all of it: ([^)]*)\)/#)?.output.1)
                #expect(try String(contentsOfFile: String(path), encoding: .utf8) == "compiling\nmissing header\n")
                let names = try FileManager.default.contentsOfDirectory(atPath: "\(workshop.state)/releases")
                #expect(names.allSatisfy { $0.hasSuffix(".log") })
            }
        }

        @Test("a newer wish does not wait for a long build to end")
        func vacatedWhileBuilding() async throws {
            try await Workshop.use("hasty") { workshop, host in
                await host.apply(workshop.order(Self.built("1", "sleep 3")))
                try await host.reach(.installing, workshop.claim())
                let start = ContinuousClock.now
                await host.apply(workshop.order(Self.built("1", "sleep 3"), revision: 2, desired: .stopped))
                try await host.reach(.stopped, workshop.claim(), revision: 2)
                #expect(ContinuousClock.now - start < .seconds(2))
            }
        }

        static func archived(_ url: String, _ sha256: String) -> String {
            """
            name: archived
            version: "1"
            source: {archive: {url: "\(url)", sha256: \(sha256), strip: 1}}
            types: {main: {command: [program]}}
            """
        }

        @Test("an archive is unpacked when its SHA-256 is right, and refused with both digests when it is wrong")
        func archive() async throws {
            try await Workshop.use("archive", partitions: 2) { workshop, host in
                let folder = "\(workshop.state)/made"
                let sum = try await shell(
                    """
                    mkdir -p \(folder)/top/bin && cd \(folder)
                    printf '#!/bin/sh\\nexec sleep 1000\\n' > top/bin/program && chmod 755 top/bin/program
                    tar -czf a.tar.gz top && sha256sum a.tar.gz
                    """
                ).prefix(64)
                let url = "file:\(folder)/a.tar.gz"
                await host.apply(workshop.order(Self.archived(url, String(sum))))
                let wrong = String(repeating: "ab", count: 32)
                await host.apply(workshop.order(Self.archived(url, wrong), partition: 1))
                try await host.reach(.running, workshop.claim())
                let status = try await host.reach(.failed, workshop.claim(partition: 1))
                #expect(status.reason.contains("has SHA-256 \(sum), the release says \(wrong)"))
                #expect(await host.status(of: workshop.claim())?.state == .running)
            }
        }

        @Test("a Debian package that is not installed is downloaded by apt with its dependency, unpacked and used")
        func packages() async throws {
            let workshop = try Workshop("packages")
            // A repository of two packages of our own, so that the test needs no network.
            let apt = "\(workshop.state)/apt"
            try await shell(
                """
                mkdir -p \(apt)/lists/partial \(apt)/cache/archives/partial \(apt)/repository && cd \(apt)
                for name in palmier-test-tool palmier-test-library; do
                    mkdir -p $name/DEBIAN $name/usr/bin
                    printf '#!/bin/sh\\nexec %s\\n' "$([ $name = palmier-test-tool ] && echo palmier-test-library || echo sleep 1000)" \
                        > $name/usr/bin/$name
                    chmod 755 $name/usr/bin/$name
                    printf 'Package: %s\\nVersion: 1\\nArchitecture: all\\nMaintainer: t <t@example.org>\\nDescription: t\\n' $name \
                        > $name/DEBIAN/control
                    [ $name = palmier-test-library ] || echo 'Depends: palmier-test-library' >> $name/DEBIAN/control
                    dpkg-deb --build --root-owner-group $name repository/$name.deb >/dev/null
                    cat $name/DEBIAN/control >> repository/Packages
                    printf 'Filename: ./%s.deb\\nSize: %s\\nSHA256: %s\\n\\n' $name "$(stat -c %s repository/$name.deb)" \
                        "$(sha256sum repository/$name.deb | cut -c 1-64)" >> repository/Packages
                done
                echo 'deb [trusted=yes] file:\(apt)/repository ./' > sources.list
                cat > apt.conf <<END
                Dir::Etc::sourcelist "\(apt)/sources.list";
                Dir::Etc::sourceparts "-";
                Dir::State::lists "\(apt)/lists";
                Dir::Cache "\(apt)/cache";
                APT::Sandbox::User "root";
                END
                APT_CONFIG=\(apt)/apt.conf apt-get update >/dev/null
                """)
            var configuration = workshop.configuration
            configuration.aptConfiguration = "\(apt)/apt.conf"
            let host = InstanceHost(configuration: configuration)
            try await host.start(orders: [])
            let text = """
                name: tool
                version: "1"
                source: {debian: [palmier-test-tool]}
                types: {main: {command: [palmier-test-tool]}}
                """
            await host.apply(workshop.order(text))
            do {
                try await host.reach(.running, workshop.claim())
                let missing = text.replacing("palmier-test-tool", with: "palmier-no-such")
                await host.apply(workshop.order(missing, revision: 2))
                let status = try await host.reach(.failed, workshop.claim(), revision: 2)
                #expect(status.reason.contains("palmier-no-such are neither installed nor known to apt"))
            } catch {
                Issue.record(error)
            }
            try await workshop.close(host)
        }

        @Test("a full disk is named, and what runs goes on")
        func fullDisk() async throws {
            try await Workshop.use("full", partitions: 2) { workshop, host in
                await host.apply(workshop.order(sleeper))
                try await host.reach(.running, workshop.claim())
                try await shell("mount -t tmpfs -o size=256k,mode=755 tmpfs \(workshop.state)/releases")
                let text = Self.built("1", "dd if=/dev/zero of=big bs=64k count=100")
                await host.apply(workshop.order(text, partition: 1))
                do {
                    let status = try await host.reach(.failed, workshop.claim(partition: 1))
                    #expect(status.reason.contains("No space left on device"))
                    #expect(await host.status(of: workshop.claim())?.state == .running)
                } catch {
                    Issue.record(error)
                }
                try await shell("umount \(workshop.state)/releases")
            }
        }

        @Test("a release that nothing uses is removed after its time, one in use is not")
        func sweep() async throws {
            try await Workshop.use("sweep", partitions: 2, releaseKeptFor: .seconds(60)) { workshop, host in
                await host.apply(workshop.order(Self.built("1.0", Self.program)))
                await host.apply(workshop.order(Self.built("2.0", Self.program), partition: 1))
                try await host.reach(.running, workshop.claim())
                try await host.reach(.running, workshop.claim(partition: 1))
                await host.vacate(workshop.claim())
                try await host.reach(.destroyed, workshop.claim())
                let now = Instant(nanoseconds: Int64(Date().timeIntervalSince1970 * 1e9))
                #expect(try await host.sweep(now: now).isEmpty)
                let removed = try await host.sweep(now: now + .seconds(61))
                #expect(removed.count == 1 && removed.allSatisfy { $0.hasPrefix("built-1.0-") })
                let names = try FileManager.default.contentsOfDirectory(atPath: "\(workshop.state)/releases")
                #expect(names.allSatisfy { $0.hasPrefix("built-2.0-") })
            }
        }
    }
}
