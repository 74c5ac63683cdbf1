/// A file of the page, compiled into the program.
struct PageFile: Sendable {
    let name: String
    let bytes: [UInt8]

    var contentType: String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        default: "image/svg+xml"
        }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    static let index = PageFile(name: "index.html", bytes: PackageResources.index_html)
    static let style = PageFile(name: "style.css", bytes: PackageResources.style_css)

    /// The modules, each behind those that it imports.
    static let modules = [
        PageFile(name: "elements.js", bytes: PackageResources.elements_js),
        PageFile(name: "pixels.js", bytes: PackageResources.pixels_js),
        PageFile(name: "latent.js", bytes: PackageResources.latent_js),
        PageFile(name: "served-model.js", bytes: PackageResources.served_model_js),
        PageFile(name: "network.js", bytes: PackageResources.network_js),
        PageFile(name: "webgl.js", bytes: PackageResources.webgl_js),
        PageFile(name: "contained-model.js", bytes: PackageResources.contained_model_js),
        PageFile(name: "sliders.js", bytes: PackageResources.sliders_js),
        PageFile(name: "planes.js", bytes: PackageResources.planes_js),
        PageFile(name: "map.js", bytes: PackageResources.map_js),
        PageFile(name: "strips.js", bytes: PackageResources.strips_js),
        PageFile(name: "training.js", bytes: PackageResources.training_js),
        PageFile(name: "explorer.js", bytes: PackageResources.explorer_js),
    ]

    static func named(_ name: String) -> PageFile? { ([index, style] + modules).first { $0.name == name } }
}
