import Automata
import Foundation
import Glibc
import Logging
import Testing

@testable import Agent

/// What a machine finds out about itself, from texts of real kernels.
@Suite struct MachineTests {
    @Test("what cannot be read is not known: no file, and no sense in it")
    func nothing() {
        let facts = MachineReader(stateDirectory: "/nowhere/at/all", root: "/no-such-root").facts()
        #expect(facts.cores == 0 && facts.gpus == 0 && facts.load == 0)
        #expect(facts.gpuModel.isEmpty && facts.kernel.isEmpty)
        #expect(facts.disk > .zero, "the disk of the first directory above that is there")
        for text in ["", "\n", "x", "-1", "0::", "x.1 y", "Cpus_allowed_list:", "\u{0}\u{1}\u{2}"] {
            #expect(MachineTexts.allowedCores(text) == nil)
            #expect(MachineTexts.unifiedGroup(text) == nil)
            #expect(MachineTexts.cores(ofLimit: text) == nil)
            #expect(MachineTexts.load(text, cores: 2) == nil)
            #expect(MachineTexts.nvidiaModel(text) == nil)
            #expect(MachineTexts.hexadecimal(text) == nil)
        }
        for text in ["", "\n", "x", "-1", "x.1 y"] { #expect(MachineTexts.kernel(text) == nil) }
        #expect(MachineTexts.architecture("") == nil)
    }

    @Test(
        "an architecture has one name, whatever the kernel calls it",
        arguments: [
            ("x86_64", "x86-64"), ("amd64", "x86-64"), ("aarch64", "arm64"), ("armv7l", "arm"), ("i686", "x86"),
            ("riscv64", "riscv64"), ("ppc64le", "ppc64le"), ("s390x", "s390x"), ("LoongArch_64", "loongarch-64"),
        ])
    func architecture(found: String, name: String) {
        #expect(MachineTexts.architecture(found) == name)
    }

    @Test(
        "a kernel's version is the numbers that it begins with",
        arguments: [
            ("6.1.0-28-amd64\n", "6.1.0"), ("5.10", "5.10"), ("6.18.44-fc-v657", "6.18.44"), ("4.19.0+", "4.19.0"),
            ("6.8.0-rc1", "6.8.0"), ("6.", "6"), ("2.6.32.71.el6", "2.6.32.71"),
        ])
    func kernel(found: String, version: String) {
        #expect(MachineTexts.kernel(found) == version)
    }

    @Test(
        "cores are counted from the processors that the process may run on",
        arguments: [("0-1", 2), ("0-3,8", 5), ("7", 1), ("0,2,4-5\n", 4), ("0-127", 128)])
    func affinity(list: String, count: Int) {
        let status = "Name:\tpalmier\nCpus_allowed:\tff\nCpus_allowed_list:\t\(list)\nMems_allowed:\t1\n"
        #expect(MachineTexts.allowedCores(status) == count)
    }

    @Test("a list that makes no sense counts nothing", arguments: ["3-0", "0-", "-1", "a", "0-99999999", "1-2-3"])
    func wrongAffinity(list: String) {
        #expect(MachineTexts.allowedCores("Cpus_allowed_list:\t\(list)\n") == nil)
    }

    @Test("a group's limit is whole cores, at least one, and max is none")
    func limits() {
        #expect(MachineTexts.cores(ofLimit: "200000 100000\n") == 2)
        #expect(MachineTexts.cores(ofLimit: "50000 100000\n") == 1)
        #expect(MachineTexts.cores(ofLimit: "379999 100000\n") == 3)
        #expect(MachineTexts.cores(ofLimit: "max 100000\n") == nil)
        #expect(MachineTexts.cores(ofLimit: "100000 0\n") == nil)
        #expect(MachineTexts.unifiedGroup("12:cpuset:/\n0::/user.slice/user-1.slice\n") == "/user.slice/user-1.slice")
        #expect(MachineTexts.unifiedGroup("0::/../../init\n") == nil)
    }

    @Test("load is hundredths for each core")
    func load() {
        #expect(MachineTexts.load("5.16 3.63 2.54 6/126 28898\n", cores: 2) == 258)
        #expect(MachineTexts.load("0.00 0.01 0.05 1/80 7\n", cores: 4) == 0)
        #expect(MachineTexts.load("1.50 1 1 1/1 1", cores: 0) == 150)
        #expect(MachineTexts.load("1,50 1,00", cores: 1) == nil)
    }

    @Test("a machine is read from its files: the smallest limit above it, its accelerators with the driver's names")
    func machine() throws {
        let root = try Root([
            "proc/sys/kernel/osrelease": "6.1.0-28-amd64\n",
            "proc/self/status": "Cpus_allowed_list:\t0-15\n",
            "proc/self/cgroup": "0::/a.slice/b.service\n",
            "sys/fs/cgroup/a.slice/cpu.max": "600000 100000\n",
            "sys/fs/cgroup/a.slice/b.service/cpu.max": "max 100000\n",
            "proc/loadavg": "3.00 2.00 1.00 1/80 7\n",
            "proc/driver/nvidia/gpus/0000:65:00.0/information": "Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ: 7\n",
            "sys/bus/pci/devices/0000:65:00.0/class": "0x030200\n",
            "sys/bus/pci/devices/0000:65:00.0/vendor": "0x10de\n",
            "sys/bus/pci/devices/0000:65:00.0/device": "0x20b0\n",
            "sys/bus/pci/devices/0000:00:1f.2/class": "0x010601\n",
            "sys/bus/pci/devices/0000:00:1f.2/vendor": "0x8086\n",
        ])
        let facts = MachineReader(stateDirectory: root.path, root: root.path).facts()
        #expect(facts.cores == 6 && facts.kernel == "6.1.0" && facts.load == 50)
        #expect(facts.gpus == 1 && facts.gpuModel == "NVIDIA A100-SXM4-40GB")
        #expect(facts.disk > .zero)
    }

    @Test("a server's console and a processor's own graphics are no accelerators; the others are, by vendor and number")
    func accelerators() throws {
        var files: [String: String] = [:]
        func device(_ place: String, _ kind: String, _ vendor: String, _ device: String) {
            for (name, value) in [("class", kind), ("vendor", vendor), ("device", device)] {
                files["sys/bus/pci/devices/\(place)/\(name)"] = "0x\(value)\n"
            }
        }
        device("0000:00:02.0", "030000", "8086", "3e92")
        device("0000:04:00.0", "030000", "1a03", "2000")
        func facts() throws -> MachineFacts {
            let root = try Root(files)
            return MachineReader(stateDirectory: root.path, root: root.path).facts()
        }
        #expect(try facts().gpus == 0)
        device("0000:41:00.0", "030000", "1002", "73bf")
        let one = try facts()
        #expect(one.gpus == 1 && one.gpuModel == "AMD 73bf")
        device("0000:42:00.0", "030000", "1002", "73bf")
        let two = try facts()
        #expect(two.gpus == 2 && two.gpuModel == "AMD 73bf")
        device("0000:81:00.0", "120000", "1da3", "1")
        let three = try facts()
        #expect(three.gpus == 3 && three.gpuModel == "AMD 73bf + vendor 1da3 0001")
        files["sys/bus/pci/devices/0000:81:00.0/vendor"] = "garbage"
        #expect(try facts().gpus == 2)
        #expect(MachineReader.model(of: (0..<20).map { "AMD \($0)" }).utf8.count <= 63)
    }

    @Test("where the driver alone shows accelerators, as in a container, it is believed")
    func driverAlone() throws {
        let root = try Root([
            "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t Tesla T4\n",
            "proc/driver/nvidia/gpus/0000:02:00.0/information": "Model: \t\t Tesla T4\n",
        ])
        let facts = MachineReader(stateDirectory: root.path, root: root.path).facts()
        #expect(facts.gpus == 2 && facts.gpuModel == "Tesla T4")
    }

    @Test("this machine has cores, a kernel, an architecture and room")
    func here() {
        let facts = MachineReader(stateDirectory: "/tmp").facts()
        #expect((1...sysconf(Int32(_SC_NPROCESSORS_ONLN))).contains(facts.cores))
        #expect(!facts.kernel.isEmpty && !facts.architecture.isEmpty && facts.disk > .zero)
    }

    @Test("what moves little is not told: load by a quarter, disk by a tenth; whatever else changes is told at once")
    func gauge() {
        let first = MachineFacts(cores: 4, disk: ByteCount(1_000), load: 50)
        var gauge = MachineGauge(told: first)
        func moved(_ change: (inout MachineFacts) -> Void) -> MachineFacts? {
            var facts = gauge.told
            change(&facts)
            return gauge.take(facts)
        }
        #expect(gauge.take(first) == nil)
        #expect(moved { $0.load = 74 } == nil && moved { $0.load = 26 } == nil)
        #expect(moved { $0.load = 75 }?.load == 75)
        #expect(moved { $0.load = 51 } == nil, "the step is counted from what was told")
        #expect(moved { $0.disk = ByteCount(900) } == nil)
        #expect(moved { $0.disk = ByteCount(899) }?.disk == ByteCount(899))
        #expect(moved { $0.gpus = 1 }?.gpus == 1)
        #expect(moved { $0.installed = [7] }?.installed == [7])
        #expect(MachineGauge(told: MachineFacts()).told == MachineFacts())
        var empty = MachineGauge(told: MachineFacts(disk: .zero))
        #expect(empty.take(MachineFacts(disk: ByteCount(1))) != nil, "a disk that was full has room again")
    }

    @Test("of whole releases the digest is told, the one used last first; of what is no mark, nothing")
    func installed() throws {
        let digests = (0..<3).map { Digest(of: [UInt8($0)]) }
        let root = try Root([
            "releases/old-1-00.installed": #"{"found":[],"schema":"palmier.release/1"}"#,
            "releases/broken-1-00.installed": "{",
            "releases/a-1-00.installed": #"{"digest":"\#(digests[0])","found":[]}"#,
            "releases/b-1-00.installed": #"{"digest":"\#(digests[1])","found":[]}"#,
            "releases/c-1-00.installed": #"{"digest":"\#(digests[2])","found":[]}"#,
            "releases/d-1-00/digest": "\(digests[2])",
        ])
        for (name, second) in [("a", 100), ("b", 300), ("c", 200)] {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: Double(second))],
                ofItemAtPath: "\(root.path)/releases/\(name)-1-00.installed")
        }
        let store = ReleaseStore(
            state: root.path, isolation: .none, builder: nil, aptConfiguration: nil, log: Logger(label: "test"))
        #expect(store.installed(most: 16) == [digests[1].first, digests[2].first, digests[0].first])
        #expect(store.installed(most: 1) == [digests[1].first])
    }
}

/// A directory with files, removed when nobody holds it any more.
private final class Root {
    let path: String

    init(_ files: [String: String]) throws {
        path = "/tmp/palmier-test-machine-\(UInt64.random(in: 0 ... .max))"
        for (name, text) in files {
            let file = URL(fileURLWithPath: "\(path)/\(name)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
