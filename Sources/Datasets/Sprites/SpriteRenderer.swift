import Glibc

/// Draws squares, ellipses and hearts as dSprites has them: white on black, 64 × 64, without smoothing.
///
/// A pixel is white if its centre is inside the outline. In pixels of the 64 × 64 frame, at scale 1, with the centre
/// of the sprite at the origin and y downwards:
/// - the square has the half side 9.6 (0.3 of the frame is its side);
/// - the ellipse has the half axes 9.6 · 1.33 and 9.6 / 1.33;
/// - the heart is the curve x = a sin³t, y = c − b (13 cos t − 5 cos 2t − 2 cos 3t − cos 4t) with a = 9.595,
///   b = 0.6623 and c = −1.4365, its tip downwards.
///
/// Orientations turn anticlockwise as seen on the screen; the centre moves from 16 to 48 on both axes.
///
/// The constants were fitted to 354 genuine images: for every image the grid positions were found by search, the
/// pixel centres of all images of a shape were carried back to the sprite's own frame, and the constants were chosen
/// to leave the fewest of them on the wrong side of the outline. The best intersection over union with any generated image is 0.999 on
/// average, 0.917 at worst (a small ellipse), and 1 for 324 of the 354; `GenuineSpritesTests` measures it.
///
/// Source of the data: L. Matthey, I. Higgins, D. Hassabis, A. Lerchner, "dSprites: Disentanglement testing Sprites
/// dataset", 2017.
struct SpriteRenderer: Sendable {
    /// Rows and columns of an image.
    static let side = 64
    /// Bytes of an image.
    static let byteCount = side * side

    enum Outline {
        static let squareHalfSide: Float = 9.6
        static let ellipseHalfAxes: (Float, Float) = (9.6 * 1.33, 9.6 / 1.33)
        static let heart = (width: 9.595, height: 0.6623, offset: -1.4365)
        /// Per shape, no point is farther from the centre.
        static let radii: [Float] = [13.6, 12.9, 10.9]
    }

    private static let heartSteps = 4096

    private let scales: [Float]
    private let cosines: [Float]
    private let sines: [Float]
    private let xs: [Float]
    private let ys: [Float]
    /// The upper and lower edge of the heart at |x| = (step + ½) · width / `heartSteps`.
    private let heartTop: [Float]
    private let heartBottom: [Float]

    /// A renderer for the values of the factors scale, orientation, x and y.
    init(scale: Factor, orientation: Factor, x: Factor, y: Factor) {
        scales = (scale.values ?? []).map { Float($0) }
        cosines = (orientation.values ?? []).map { Float(cos($0)) }
        sines = (orientation.values ?? []).map { Float(sin($0)) }
        xs = (x.values ?? []).map { Float(16 + 32 * $0) }
        ys = (y.values ?? []).map { Float(16 + 32 * $0) }
        var top: [Float] = []
        var bottom: [Float] = []
        for step in 0..<SpriteRenderer.heartSteps {
            let sine = cbrt((Double(step) + 0.5) / Double(SpriteRenderer.heartSteps))
            let cosine = (1 - sine * sine).squareRoot()
            top.append(Float(SpriteRenderer.heartEdge(cosine)))
            bottom.append(Float(SpriteRenderer.heartEdge(-cosine)))
        }
        heartTop = top
        heartBottom = bottom
    }

    /// y of the heart's outline at the curve parameter t, given cos t.
    private static func heartEdge(_ cosine: Double) -> Double {
        let double = 2 * cosine * cosine - 1
        let triple = cosine * (4 * cosine * cosine - 3)
        let quadruple = 2 * double * double - 1
        return Outline.heart.offset - Outline.heart.height * (13 * cosine - 5 * double - 2 * triple - quadruple)
    }

    /// Draws one sprite, given by its factor positions, into the `byteCount` bytes at `pixels` (0 or 255).
    func render(
        shape: Int, scale: Int, orientation: Int, x: Int, y: Int, into pixels: UnsafeMutablePointer<UInt8>
    ) {
        memset(pixels, 0, SpriteRenderer.byteCount)
        let size = scales[scale]
        let centreX = xs[x]
        let centreY = ys[y]
        let radius = Outline.radii[shape] * size
        let columns = Int(centreX - radius)..<(Int(centreX + radius) + 1)
        let rows = Int(centreY - radius)..<(Int(centreY + radius) + 1)
        // Steps in the sprite's own frame, where the outline has scale 1.
        let cosine = cosines[orientation] / size
        let sine = sines[orientation] / size
        switch shape {
        case 0:
            fill(pixels, rows, columns, centreX, centreY, cosine, sine) { u, v in
                max(abs(u), abs(v)) < Outline.squareHalfSide
            }
        case 1:
            let inverseA = 1 / Outline.ellipseHalfAxes.0
            let inverseB = 1 / Outline.ellipseHalfAxes.1
            fill(pixels, rows, columns, centreX, centreY, cosine, sine) { u, v in
                let a = u * inverseA
                let b = v * inverseB
                return a * a + b * b < 1
            }
        default:
            let steps = Float(SpriteRenderer.heartSteps) / Float(Outline.heart.width)
            heartTop.withUnsafeBufferPointer { top in
                heartBottom.withUnsafeBufferPointer { bottom in
                    fill(pixels, rows, columns, centreX, centreY, cosine, sine) { u, v in
                        let step = Int(abs(u) * steps)
                        return step < SpriteRenderer.heartSteps && v > top[step] && v < bottom[step]
                    }
                }
            }
        }
    }

    /// Paints the pixels whose centre, carried to the sprite's own frame, satisfies `isInside`.
    @inline(__always)
    private func fill(
        _ pixels: UnsafeMutablePointer<UInt8>, _ rows: Range<Int>, _ columns: Range<Int>, _ centreX: Float,
        _ centreY: Float, _ cosine: Float, _ sine: Float, isInside: (Float, Float) -> Bool
    ) {
        for row in rows {
            let dy = Float(row) + 0.5 - centreY
            let line = pixels + row * SpriteRenderer.side
            for column in columns {
                let dx = Float(column) + 0.5 - centreX
                line[column] = isInside(dx * cosine - dy * sine, dx * sine + dy * cosine) ? 255 : 0
            }
        }
    }
}
