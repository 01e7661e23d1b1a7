// swift-tools-version: 6.2
import PackageDescription

// The layers of Specs/design.md, from the bottom up. A target imports only targets above it in this file.

let language: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
let settings = language + [.treatAllWarnings(as: .error)]
/// For what simulations run: tests are made of millions of its steps, so it is optimized in debug builds too. Assertions
/// stay, since those of our own are preconditions.
let optimized = settings + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// An agent lies idle on somebody's machine for years, so release builds are linked for what stays in memory. Measured, of
/// an agent's resident set: relocations packed (DT_RELR, glibc 2.36 or later) −4 MB; Swift's libraries linked in, without
/// what the program does not use and without their tables of names, −8 MB. Debug builds, and so all tests, are linked as
/// usual, since the testing library needs the shared ones. The libraries named are those that the shared Foundation
/// brings along by itself.
let compactly: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs", "-static-stdlib",
            "-Xlinker", "--no-export-dynamic", "-lFoundation", "-lFoundationInternationalization",
            "-lFoundationEssentials", "-lCoreFoundation", "-l_FoundationICU", "-l_FoundationCShims",
            "-l_FoundationCollections", "-lswiftDispatch",
        ], .when(platforms: [.linux], configuration: .release))
]

/// Pure protocol code: swift-collections and lower pure targets, nothing else.
func automata(_ name: String, _ lower: String...) -> Target {
    .target(
        name: name,
        dependencies: lower.map { .byName(name: $0) }
            + [.product(name: "OrderedCollections", package: "swift-collections")],
        swiftSettings: optimized)
}

/// Code that touches the outside: sockets, disk, processes, the wall clock.
func edge(_ name: String, _ dependencies: Target.Dependency..., isSimulated: Bool = false) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: isSimulated ? optimized : settings)
}

func tests(
    of name: String, _ more: Target.Dependency..., exclude: [String] = [], isSimulation: Bool = false
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + more, exclude: exclude,
        swiftSettings: isSimulation ? optimized : settings)
}

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

let package = Package(
    name: "palmier",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "palmier", targets: ["palmier"])],
    dependencies: [
        // Ordered collections and heaps: deterministic iteration in pure code.
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        // SHA-256, P-256 keys.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        // The event loops and sockets under the transport and the HTTP server.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        // TLS 1.3 with both sides authenticated.
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        // X.509: authorities, certificates, signing requests.
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        // The wire schema and the ledger's entries on disk: versioned, unknown fields kept.
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        // Structured logs.
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        // The command line.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // Flags over environment over file, with the origin of each value.
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        // SQLite with a single writer, migrations and WAL.
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        // Release documents and scenarios.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        // The HTTP server; traits off: none of its optional parts is used.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        // The HTTP client: masters' APIs, supervisord's socket, release downloads.
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        // The names of HTTP's methods and fields, as Hummingbird uses them.
        .package(url: "https://github.com/apple/swift-http-types", from: "1.5.0"),
        // Orderly start and stop of the parts of a peer.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        // Child processes with bounded output.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // Pure: the same code in Runtime and in Simulation.
        .target(
            name: "Automata",
            dependencies: [
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "Crypto", package: "swift-crypto"),
            ], swiftSettings: optimized),
        automata("Overlay", "Automata"),
        automata("Groups", "Automata", "Overlay"),
        automata("Objects", "Automata", "Overlay"),
        automata("Neighbours", "Automata"),
        automata("Replication", "Automata"),
        automata("Claims", "Automata"),
        automata("Accounting", "Automata"),
        automata("Ledger", "Automata", "Accounting", "Claims"),
        automata("Rendezvous", "Automata", "Claims"),
        automata(
            "Peer", "Automata", "Overlay", "Groups", "Objects", "Neighbours", "Replication", "Claims", "Accounting",
            "Ledger", "Rendezvous"),

        // The codec of peers' messages and of ledger entries, for both hosts.
        .target(name: "WireSchema", dependencies: [protobuf], swiftSettings: language),
        edge(
            "Wire", "Peer", "Overlay", "Groups", "Objects", "Neighbours", "Replication", "Claims", "Accounting",
            "Ledger", "Rendezvous", "Automata", "WireSchema", protobuf, isSimulated: true),

        // The outside.
        .systemLibrary(name: "CAvahi", providers: [.apt(["libavahi-client-dev", "libavahi-core-dev"])]),
        .systemLibrary(name: "CResolv"),
        edge("Discovery", "Automata", "CAvahi", "CResolv", log),
        edge(
            "Identity", "Automata", .product(name: "X509", package: "swift-certificates"),
            .product(name: "SwiftASN1", package: "swift-asn1"), .product(name: "Crypto", package: "swift-crypto")),
        edge(
            "Transport", "Automata", "Identity", "WireSchema", protobuf,
            .product(name: "DequeModule", package: "swift-collections"),
            .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOTLS", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl")),
        edge(
            "Storage", "Automata", "Claims", "Ledger", "Replication", "Peer", "Wire",
            .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift")),
        edge("Releases", "Automata", .product(name: "Yams", package: "Yams")),
        edge(
            "Agent", "Automata", "Releases", log, .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "Subprocess", package: "swift-subprocess")),

        // Hosts and surfaces.
        edge(
            "Runtime", "Automata", "Peer", "Objects", "Overlay", "Neighbours", "Replication", "Claims", "Ledger",
            "Rendezvous", "Wire", "Discovery", "Identity", "Transport", "Storage", "Releases", "Agent", log,
            .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")),
        edge(
            "API", "Automata", "Overlay", "Objects", "Peer", "Neighbours", "Replication", "Claims", "Accounting",
            "Ledger",
            "Wire", "Identity", "Releases", "Runtime", log,
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HummingbirdCore", package: "hummingbird"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl")),
        // One hint to the processor that Swift has no word for.
        .target(name: "CPrefetch"),
        edge(
            "Simulation", "Automata", "CPrefetch", "Overlay", "Groups", "Objects", "Peer", "Neighbours", "Replication",
            "Accounting", "Claims", "Ledger", "Rendezvous", "Wire",
            .product(name: "Yams", package: "Yams"), isSimulated: true),
        edge(
            "Console", "Automata", "Overlay", "Peer", "Replication", "Claims", "Accounting", "Ledger", "Wire",
            "Identity",
            "Releases", "Agent", "Discovery", "API", "Simulation",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "Configuration", package: "swift-configuration"),
            .product(name: "Subprocess", package: "swift-subprocess"),
            .product(name: "Yams", package: "Yams")),
        edge("Lab", "Automata", log, .product(name: "Subprocess", package: "swift-subprocess")),
        .executableTarget(
            name: "palmier",
            dependencies: [
                "Automata", "Peer", "Neighbours", "Claims", "Ledger", "Replication", "Accounting", "Wire", "Discovery",
                "Identity", "Transport", "Storage", "Releases", "Agent", "Runtime", "API", "Simulation", "Lab",
                "Console",
                log,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: settings, linkerSettings: compactly),

        tests(of: "Automata"),
        tests(of: "Overlay", "Automata", isSimulation: true),
        tests(of: "Groups", "Automata", "Overlay", isSimulation: true),
        tests(of: "Objects", "Automata", "Overlay", isSimulation: true),
        tests(of: "Neighbours", "Automata"),
        tests(
            of: "Replication", "Automata", .product(name: "HeapModule", package: "swift-collections"),
            .product(name: "OrderedCollections", package: "swift-collections"), isSimulation: true),
        tests(of: "Claims", "Automata"),
        tests(
            of: "Accounting", "Automata", .product(name: "OrderedCollections", package: "swift-collections"),
            exclude: ["Golden", "Schemas"]),
        tests(of: "Ledger", "Automata", "Accounting"),
        tests(of: "Rendezvous", "Automata", "Claims", "Ledger"),
        tests(
            of: "Peer", "Objects", "Overlay", "Groups", "Automata", "Neighbours", "Claims", "Accounting", "Ledger",
            "Rendezvous"),
        tests(
            of: "Wire", "Automata", "Peer", "Overlay", "Groups", "Objects", "Neighbours", "Replication", "Claims",
            "Accounting", "Ledger", "Rendezvous", "WireSchema", protobuf),
        // The figures of acts in a log, and of checkpoints.
        .executableTarget(
            name: "BooksBench", dependencies: ["Accounting", "Automata", "Ledger", "Wire"], path: "Tests/BooksBench",
            swiftSettings: settings),
        // One peer's discovery as a process, for tests that kill it or put it into a network namespace.
        .executableTarget(
            name: "DiscoveryProbe", dependencies: ["Automata", "CAvahi", "Discovery", log],
            path: "Tests/DiscoveryProbe",
            swiftSettings: settings),
        tests(of: "Discovery", "Automata", "DiscoveryProbe", log),
        tests(
            of: "Identity", "Automata", .product(name: "X509", package: "swift-certificates"),
            .product(name: "Crypto", package: "swift-crypto")),
        tests(
            of: "Transport", "Automata", "Identity", .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "X509", package: "swift-certificates"),
            .product(name: "AsyncHTTPClient", package: "async-http-client")),
        tests(
            of: "Storage", "Automata", "Claims", "Ledger", "Replication", "Wire",
            .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "OrderedCollections", package: "swift-collections"), exclude: ["OldDatabases"]),
        tests(of: "Releases", "Automata"),
        tests(of: "Agent", "Automata", "Releases", log, .product(name: "Subprocess", package: "swift-subprocess")),
        tests(
            of: "Runtime", "Automata", "Peer", "Replication", "Claims", "Identity", "Ledger", "Storage", "Wire",
            "Discovery", log, .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "OrderedCollections", package: "swift-collections")),
        tests(
            of: "API", "Automata", "Overlay", "Objects", "Peer", "Neighbours", "Replication", "Claims", "Accounting",
            "Ledger", "Wire", "Identity", "Releases", "Runtime", log,
            .product(name: "Yams", package: "Yams"), .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio")),
        tests(
            of: "Simulation", "Automata", "Overlay", "Groups", "Objects", "Peer", "Claims", "Ledger", exclude: ["Seeds"]
        ),
        tests(
            of: "Console", "Agent", "Automata", "Overlay", "Peer", "Replication", "Accounting", "Ledger", "Wire", "API",
            "Discovery", "Identity", "Releases", "Simulation"),
        tests(
            of: "palmier", "API", "Console", "Ledger", "Peer",
            .product(name: "ArgumentParser", package: "swift-argument-parser")),
        tests(of: "Lab", "Automata"),
        .testTarget(name: "Layering", swiftSettings: settings),
        .testTarget(
            name: "EndToEnd",
            dependencies: [
                "Automata", "Lab", .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
            ], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
