import Automata
import CAvahi
import Glibc

@testable import Discovery

/// Many machines of a link in one process: each has its service, its sub-type, its host name and an address, as the embedded
/// back end publishes them; they share one responder, so that a thousand of them need no thousand processes.
///
///     DiscoveryProbe crowd=250 first=500 interfaces=eth0 spread=2000 port=7001
///
/// `spread`: over how many milliseconds they come up. On standard input `churn N` changes N of them, one after the other within
/// a second: their load, and for one in ten what they do.
///
/// Confined to the loop's thread, as a back end is.
final class Crowd: @unchecked Sendable {
    // Unchecked: nothing here is touched outside of the loop's thread.
    private struct Member {
        var advertisement: Advertisement
        var service: OpaquePointer?
        var subtype: OpaquePointer?
        var shown: [String] = []
    }

    private let loop: AvahiLoop
    private let records: ServiceRecords
    private let interfaces: [String]
    private let ttl: UInt32
    private var members: [Member]
    private var server: OpaquePointer?
    private var registrar: RecordRegistrar?
    private var next = 0

    init(count: Int, first: Int, type: String, interfaces: [String], port: UInt16, ttl: UInt32) throws {
        loop = try AvahiLoop()
        records = ServiceRecords(type: type)
        self.interfaces = interfaces
        self.ttl = ttl
        members = (first..<(first + count)).map { Member(advertisement: Self.machine($0, port)) }
        try loop.start()
    }

    /// Ids are spread as keys' digests are.
    private static func machine(_ number: Int, _ port: UInt16) -> Advertisement {
        let digest = Digest(of: Array("machine \(number)".utf8)).bytes
        let high = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        var machine = Advertisement(
            peer: PeerID(high: high, low: UInt64(number)), incarnation: Incarnation(1_763_700_000_000), sequence: 1,
            name: "machine-\(number)", fabric: "lab", state: number % 10 == 0 ? .idle : .worker,
            endpoints: [Endpoint(host: "::", port: port)], capacity: 10, free: 8, memory: .mebibytes(12_288),
            price: 50_000, region: "eu-west", network: "10.77.0.0/16", cores: 7, gpus: 0)
        machine.facts = MachineFacts(
            architecture: "x86-64", cores: 8, memory: .mebibytes(24_576), disk: ByteCount(250_000_000_000),
            kernel: "6.1.0", isolation: ["users"], hasIPv4: true, country: "fr", continent: "eu", load: 50)
        return machine
    }

    func start(spread: Duration) {
        loop.enqueue { [self] in
            var error: Int32 = 0
            var config = AvahiServerConfig()
            avahi_server_config_init(&config)
            avahi_free(config.host_name)
            config.host_name = avahi_strdup("crowd-\(members[0].advertisement.peer.low)")
            config.publish_addresses = 0
            config.publish_hinfo = 0
            config.publish_workstation = 0
            config.publish_domain = 0
            config.enable_wide_area = 0
            config.use_ipv6 = 0
            config.n_cache_entries_max = 0
            for interface in interfaces {
                config.allow_interfaces = avahi_string_list_add(config.allow_interfaces, interface)
            }
            server = avahi_server_new(loop.api, &config, { _, _, _ in }, nil, &error)
            avahi_server_config_free(&config)
            guard let server else { return DiscoveryProbe.say("failed \(avahiError(error))") }
            registrar = RecordRegistrar(
                server: server, recordTTLSeconds: ttl, onState: { _, _, _, _ in }, context: nil)
            for index in members.indices {
                loop.schedule(after: spread * index / members.count) { [self] in appear(index) }
            }
            loop.schedule(after: spread) { DiscoveryProbe.say("crowd is up") }
        }
    }

    private func appear(_ index: Int) {
        do throws(AdvertisementTextError) {
            let publication = try Publication(of: members[index].advertisement, alternate: 0)
            publish(publication, index)
        } catch {
            DiscoveryProbe.say("failed \(error)")
        }
    }

    private func publish(_ publication: Publication, _ index: Int) {
        guard let registrar else { return }
        var marked = publication
        marked.text.append(Array("at=1".utf8))
        do throws(BackEndError) {
            if members[index].service == nil {
                let addresses = InterfaceAddress.all().filter { interfaces.contains($0.interface) && !$0.isIPv6 }
                members[index].service = try registrar.group(
                    records.all(marked.service, hostName: marked.hostName)
                        + addresses.map { records.address($0, hostName: marked.hostName) })
            } else {
                try registrar.add(records.text(of: marked.service), to: members[index].service, .update)
            }
            guard members[index].shown != marked.subtypes else { return }
            members[index].shown = marked.subtypes
            if let subtype = members[index].subtype { avahi_s_entry_group_free(subtype) }
            members[index].subtype = try marked.subtypes.first.map { subtype throws(BackEndError) in
                try registrar.group([records.subtype(subtype, of: marked)])
            }
        } catch {
            DiscoveryProbe.say("failed \(error)")
        }
    }

    func churn(_ count: Int) {
        loop.enqueue { [self] in
            for number in 0..<count {
                loop.schedule(after: .seconds(1) * number / count) { [self] in
                    let index = next % members.count
                    next += 1
                    members[index].advertisement.sequence += 1
                    members[index].advertisement.facts.load += 25
                    if next % 10 == 0 {
                        let isIdle = members[index].advertisement.state == .idle
                        members[index].advertisement.state = isIdle ? .worker : .idle
                    }
                    appear(index)
                }
            }
        }
    }
}
