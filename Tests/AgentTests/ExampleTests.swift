import Agent
import Automata
import Foundation
import Subprocess
import Testing

/// All tests that start programs, one after the other.
@Suite(.serialized) enum AgentTests {}

extension AgentTests {
    /// Each example is started through the host under a real supervisord, and spoken to in its own protocol.
    @Suite struct Examples {
        @Test("memcached stores a value and gives it back")
        func memcached() async throws {
            try await Workshop.use("memcached") { workshop, host in
                await host.apply(workshop.order(try example("memcached"), parameters: #"{"memory":16}"#))
                let published = try Published(await host.reach(.running, workshop.claim()))
                let client = try published.client()
                #expect(try client.ask("set key 0 0 5\r\nvalue\r\n", until: "\r\n") == "STORED\r\n")
                #expect(try client.ask("get key\r\n", until: "END\r\n") == "VALUE key 0 5\r\nvalue\r\nEND\r\n")
                #expect(try client.ask("stats\r\n", until: "END\r\n").contains("STAT limit_maxbytes 16777216\r\n"))
            }
        }

        @Test("Redis answers RESP to who knows the published password, and to nobody else")
        func redis() async throws {
            try await Workshop.use("redis") { workshop, host in
                await host.apply(workshop.order(try example("redis")))
                let published = try Published(await host.reach(.running, workshop.claim()))
                let client = try published.client()
                #expect(try client.ask("PING\r\n", until: "\r\n").hasPrefix("-NOAUTH"))
                let password = try published.value("password")
                #expect(try client.ask("AUTH \(password)\r\n", until: "\r\n") == "+OK\r\n")
                #expect(try client.ask("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n42\r\n", until: "\r\n") == "+OK\r\n")
                #expect(try client.ask("*2\r\n$4\r\nINCR\r\n$1\r\na\r\n", until: "\r\n") == ":43\r\n")
            }
        }

        @Test("the static site serves a file of the directory that was asked for")
        func staticSite() async throws {
            try await Workshop.use("site") { workshop, host in
                let site = "\(workshop.state)/site"
                try FileManager.default.createDirectory(atPath: site, withIntermediateDirectories: true)
                try "<p>hello</p>".write(toFile: "\(site)/index.html", atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: site)
                try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(site)/index.html")
                await host.apply(workshop.order(try example("static-site"), parameters: #"{"directory":"\#(site)"}"#))
                let published = try Published(await host.reach(.running, workshop.claim()))
                let text = try published.value("url")
                let url = try #require(URL(string: text))
                let client = try Client(host: url.host ?? "", port: "\(url.port ?? 0)")
                let answer = try client.ask("GET /index.html HTTP/1.0\r\n\r\n", until: "<p>hello</p>")
                #expect(answer.hasPrefix("HTTP/1.0 200 OK\r\n"))
            }
        }

        @Test("PostgreSQL makes its cluster at the first start, answers psql, and keeps rows over a stop and a start")
        func postgresql() async throws {
            try await Workshop.use("postgresql") { workshop, host in
                try await Self.usePostgreSQL(workshop, host)
            }
        }

        /// Also used without root.
        static func usePostgreSQL(_ workshop: Workshop, _ host: InstanceHost) async throws {
            let text = try example("postgresql")
            await host.apply(workshop.order(text))
            let bound = Duration.seconds(180)
            let url = try Published(await host.reach(.running, workshop.claim(), within: bound)).value("url")
            _ = try await Self.psql(url, "create table t (n int); insert into t values (7)")
            await host.apply(workshop.order(text, revision: 2, desired: .stopped))
            try await host.reach(.stopped, workshop.claim(), revision: 2, within: bound)
            await host.apply(workshop.order(text, revision: 3))
            let again = try await host.reach(.running, workshop.claim(), revision: 3, within: bound)
            #expect(try Published(again).value("url") == url)
            #expect(try await Self.psql(url, "select n from t") == "7\n")
        }

        static func psql(_ url: String, _ statement: String) async throws -> String {
            let result = try await Subprocess.run(
                .name("psql"), arguments: ["--no-psqlrc", "--tuples-only", "--no-align", "-c", statement, url],
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
            return result.standardOutput
        }

        @Test("the shell service greets each line, in the words of its parameters")
        func shellService() async throws {
            try await Workshop.use("shell") { workshop, host in
                let text = try example("shell-service")
                await host.apply(workshop.order(text, parameters: #"{"greeting":"Good day; $(id) 'x' \"y\""}"#))
                let published = try Published(await host.reach(.running, workshop.claim()))
                let client = try published.client()
                #expect(try client.ask("Ada\n", until: "!\n") == "Good day; $(id) 'x' \"y\", Ada!\n")
                #expect(try client.ask("Bob\n", until: "!\n") == "Good day; $(id) 'x' \"y\", Bob!\n")
            }
        }

        @Test("the no-op release is running at once, and publishes")
        func noop() async throws {
            try await Workshop.use("noop") { workshop, host in
                await host.apply(workshop.order(try example("noop"), parameters: #"{"value":"v"}"#))
                let status = try await host.reach(.running, workshop.claim())
                #expect(status.connection == #"{"reference":"thing","value":"v"}"#)
            }
        }
    }
}
