import Foundation

/// The few functions of the C library that drawing needs; in one file, since they are the only floating point of the engine.
enum Log {
    static func natural(_ value: Double) -> Double { Foundation.log(value) }
    static func exp(_ value: Double) -> Double { Foundation.exp(value) }
    static func power(_ base: Double, _ exponent: Double) -> Double { Foundation.pow(base, exponent) }
    static func gamma(_ value: Double) -> Double { Foundation.tgamma(value) }
    static func sine(_ value: Double) -> Double { Foundation.sin(value) }
}
