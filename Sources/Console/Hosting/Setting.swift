/// One option of a host: its name on every layer, and how it is read.
struct SettingKey: Hashable, Sendable {
    /// The flag without dashes; also the key in the file. In the environment `PALMIER_` and capitals.
    let name: String
    let isList: Bool
    let isSecret: Bool
    /// What is printed when no layer sets it.
    let fallback: String

    init(_ name: String, isList: Bool = false, isSecret: Bool = false, fallback: String = "") {
        self.name = name
        self.isList = isList
        self.isSecret = isSecret
        self.fallback = fallback
    }

    var variable: String {
        "PALMIER_" + String(name.map { $0 == "-" ? "_" : $0 }).uppercased()
    }
}

/// The value of one option that counts, and where it was set.
public struct Setting: Hashable, Sendable, Codable {
    public var name: String
    /// Several values are joined by commas; a secret is shown as `(set)`.
    public var value: String
    /// `flag --partitions`, `environment PALMIER_PARTITIONS`, `file /etc/palmier.yaml`, `default`.
    public var origin: String
}

/// What `palmier agent config` prints.
public struct SettingsDocument: Hashable, Sendable, Codable {
    public var schema = "palmier.settings/1"
    public var settings: [Setting]

    public init(settings: [Setting]) {
        self.settings = settings
    }
}
