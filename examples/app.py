"""A notebook of marimo: `marimo run app.py`."""

import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    import gdsim

    momentum = mo.ui.slider(0, 0.95, 0.05, value=0.75, label="momentum")
    momentum
    return gdsim, mo, momentum


@app.cell
def _(gdsim, mo, momentum):
    config = {
        "objective": {"name": "quadratic", "condition": 50, "rotation": 30, "bounds": [[-10, 4], [-9, 5]]},
        "steps": 120,
        "optimizers": {"SGD": {"lr": 0.036}, "Momentum": {"class": "SGD", "lr": 0.02, "momentum": momentum.value}},
        "view": {"size": [960, 540]},
    }
    movie = gdsim.animate(config)
    mo.vstack([movie, mo.md(movie.scene.alt_text)])
    return


if __name__ == "__main__":
    app.run()
